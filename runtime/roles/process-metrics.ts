import { Gauge, type Registry } from 'prom-client';

/**
 * What a process uses, taken at the moment it is asked: nothing runs in between. Names are those of Prometheus' own
 * client libraries.
 */
export function addProcessMetrics(registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'process_cpu_seconds_total',
    help: 'CPU time used, in user and system mode, s',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.set((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory, bytes',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'nodejs_heap_size_used_bytes',
    help: 'Heap of JavaScript in use, bytes',
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
}
