import fc from 'fast-check';
import {
  allocatable,
  machineType,
  MACHINE_TYPE_NAMES,
  podsPerNode,
  type MachineType,
} from '../../runtime/spec/machines.js';

const GIB = 2 ** 30;

describe('what a node leaves to pods', () => {
  test('is what GKE documents for a machine of 4 cores and 16 GiB', () => {
    // 60 + 10 + 2 × 5 m kept back; 25 % of 4, 20 % of 4, 10 % of 8 GiB, and 100 MiB for eviction.
    const { cpuMilli, memoryBytes } = allocatable(machineType('n2-standard-4') as MachineType);
    expect(cpuMilli).toBe(3_920);
    expect(memoryBytes / GIB).toBeCloseTo(16 - 1 - 0.8 - 0.8 - 100 / 1_024, 6);
  });

  test('is less than the machine, and more on a larger one', () => {
    for (const name of MACHINE_TYPE_NAMES) {
      const machine = machineType(name) as MachineType;
      expect(allocatable(machine).cpuMilli).toBeLessThan(machine.vcpus * 1_000);
      expect(allocatable(machine).memoryBytes).toBeLessThan(machine.memoryBytes);
    }
    const [small, large] = [machineType('n2-standard-4'), machineType('n2-standard-8')] as [MachineType, MachineType];
    expect(allocatable(large).cpuMilli).toBeGreaterThan(allocatable(small).cpuMilli);
  });

  test('holds nine agents of 400m and 1 GiB on n2-standard-4', () => {
    expect(podsPerNode(machineType('n2-standard-4') as MachineType, { cpuMilli: 400, memoryBytes: GIB })).toBe(9);
  });

  test('never holds more pods than fit', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...MACHINE_TYPE_NAMES),
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 2 ** 20, max: 64 * GIB }),
        (name, cpuMilli, memoryBytes) => {
          const machine = machineType(name) as MachineType;
          const pods = podsPerNode(machine, { cpuMilli, memoryBytes });
          expect(pods * cpuMilli).toBeLessThanOrEqual(allocatable(machine).cpuMilli);
          expect(pods * memoryBytes).toBeLessThanOrEqual(allocatable(machine).memoryBytes);
        },
      ),
    );
  });
});
