import { Buffer } from 'node:buffer';
import { setInterval } from 'node:timers';
import { createRequire } from 'node:module';
import { cancel } from './cloud.mjs';
import { bridged } from './bridged.mjs';
import { Refusal } from './errors.mjs';
import { kubernetes } from './kubernetes.mjs';
import { differences, pruned } from './values.mjs';

/*
 * A provider for the real engine, without its cloud: the gRPC service every provider serves, over a stand-in that has
 * check, diff, create, read, update and delete. Started by the engine as `pulumi-resource-<name> ENGINE_ADDRESS`.
 */

const require = createRequire(import.meta.url);
const grpc = require('@grpc/grpc-js');
const { Any } = require('google-protobuf/google/protobuf/any_pb');
const { Empty } = require('google-protobuf/google/protobuf/empty_pb');
const { Struct } = require('google-protobuf/google/protobuf/struct_pb');
const { ErrorResourceInitFailed } = require('@pulumi/pulumi/proto/provider_pb');
const messages = require('@pulumi/pulumi/proto/provider_pb');
const { PluginInfo } = require('@pulumi/pulumi/proto/plugin_pb');
const { ResourceProviderService } = require('@pulumi/pulumi/proto/provider_grpc_pb');
const { Status } = require('@pulumi/pulumi/proto/status_pb');

const name = process.argv[2];
const { version } = require(`@pulumi/${name}/package.json`);
const standIn = name === 'kubernetes' ? kubernetes() : bridged(name);

const read = (struct) => struct?.toJavaScript() ?? {};
const struct = (value) => Struct.fromJavaScript(pruned(value ?? {}));
const typeOf = (urn) => urn.split('::')[2].split('$').pop();
const nameOf = (urn) => urn.split('::').slice(3).join('::');
const about = (request) => ({ urn: request.getUrn(), type: typeOf(request.getUrn()), name: nameOf(request.getUrn()) });

/** A resource that exists although its operation failed: the engine keeps it in its state. */
function initFailed({ id, outputs, inputs, message }) {
  const detail = new ErrorResourceInitFailed();
  detail.setId(id);
  detail.setProperties(struct(outputs));
  detail.setInputs(struct(inputs));
  detail.setReasonsList([message]);
  const any = new Any();
  any.pack(detail.serializeBinary(), 'pulumirpc.ErrorResourceInitFailed');
  const status = new Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(message);
  status.addDetails(any);
  const metadata = new grpc.Metadata();
  metadata.add('grpc-status-details-bin', Buffer.from(status.serializeBinary()));
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}

/** A call of the service as an async function from request to response. */
const call = (serve) => (rpc, callback) => {
  Promise.resolve()
    .then(() => serve(rpc.request))
    .then(
      (response) => callback(null, response),
      (error) => {
        if (error instanceof Refusal && error.left !== undefined)
          return callback(initFailed({ ...error.left, message: error.message }));
        const details = error instanceof Refusal ? error.message : error.stack;
        return callback({ code: error.code ?? grpc.status.UNKNOWN, details });
      },
    );
};

const unimplemented = (what) =>
  call(() =>
    Promise.reject(Object.assign(new Refusal(`the stand-in has no ${what}`), { code: grpc.status.UNIMPLEMENTED })),
  );

function checked({ inputs, failures }) {
  const response = new messages.CheckResponse();
  response.setInputs(struct(inputs));
  response.setFailuresList(
    failures.map(({ property, reason }) => {
      const failure = new messages.CheckFailure();
      failure.setProperty(property);
      failure.setReason(reason);
      return failure;
    }),
  );
  return response;
}

function diffed(olds, news, isImmutable, deleteFirst) {
  const { Kind } = messages.PropertyDiff;
  const response = new messages.DiffResponse();
  const found = differences(olds, news);
  response.setChanges(
    found.length > 0 ? messages.DiffResponse.DiffChanges.DIFF_SOME : messages.DiffResponse.DiffChanges.DIFF_NONE,
  );
  response.setHasdetaileddiff(true);
  response.setDiffsList([...new Set(found.map(({ path }) => path.split(/[.[]/)[0]))]);
  response.setReplacesList(found.filter(({ path }) => isImmutable(path)).map(({ path }) => path));
  for (const { path, kind } of found) {
    const detail = new messages.PropertyDiff();
    detail.setKind(Kind[`${kind.toUpperCase()}${isImmutable(path) ? '_REPLACE' : ''}`]);
    detail.setInputdiff(true);
    response.getDetaileddiffMap().set(path, detail);
  }
  response.setDeletebeforereplace(deleteFirst);
  return response;
}

const service = {
  handshake: unimplemented('handshake'),
  parameterize: unimplemented('parameters'),
  getSchema: unimplemented('schema'),
  call: unimplemented('methods'),
  construct: unimplemented('components'),
  getMapping: unimplemented('mapping'),
  getMappings: unimplemented('mappings'),
  list: (stream) => stream.emit('error', { code: grpc.status.UNIMPLEMENTED, details: 'the stand-in lists nothing' }),
  cancel: call(() => {
    cancel();
    return new Empty();
  }),
  attach: call(() => new Empty()),
  getPluginInfo: call(() => {
    const info = new PluginInfo();
    info.setVersion(version);
    return info;
  }),
  checkConfig: call((request) => checked({ inputs: read(request.getNews()), failures: [] })),
  diffConfig: call((request) =>
    diffed(read(request.getOldInputs() ?? request.getOlds()), read(request.getNews()), () => false, false),
  ),
  configure: call((request) => {
    standIn.configure(read(request.getArgs()));
    const response = new messages.ConfigureResponse();
    response.setAcceptsecrets(true);
    response.setSupportspreview(true);
    return response;
  }),
  invoke: call((request) => {
    const response = new messages.InvokeResponse();
    response.setReturn(struct(standIn.invoke(request.getTok(), read(request.getArgs()))));
    return response;
  }),
  check: call((request) =>
    checked(
      standIn.check({
        ...about(request),
        olds: read(request.getOlds()),
        news: read(request.getNews()),
        seed: request.getRandomseed_asB64(),
      }),
    ),
  ),
  diff: call((request) => {
    const { type } = about(request);
    const [olds, news] = [read(request.getOldInputs() ?? request.getOlds()), read(request.getNews())];
    return diffed(olds, news, (path) => standIn.isImmutable(type, path), standIn.deletesFirst(type, news));
  }),
  create: call(async (request) => {
    const asked = { ...about(request), inputs: read(request.getProperties()), preview: request.getPreview() };
    const { id, outputs } = await standIn.create(asked);
    const response = new messages.CreateResponse();
    response.setId(id);
    response.setProperties(struct(outputs));
    return response;
  }),
  read: call(async (request) => {
    const found = await standIn.read({
      ...about(request),
      id: request.getId(),
      inputs: read(request.getInputs()),
      outputs: read(request.getProperties()),
    });
    const response = new messages.ReadResponse();
    // An empty id tells the engine that the resource is gone.
    if (found === undefined) return response;
    response.setId(request.getId());
    response.setProperties(struct(found.outputs));
    response.setInputs(struct(found.inputs));
    return response;
  }),
  update: call(async (request) => {
    const { outputs } = await standIn.update({
      ...about(request),
      id: request.getId(),
      olds: read(request.getOlds()),
      inputs: read(request.getNews()),
      ignored: request.getIgnorechangesList(),
      preview: request.getPreview(),
    });
    const response = new messages.UpdateResponse();
    response.setProperties(struct(outputs));
    return response;
  }),
  delete: call(async (request) => {
    await standIn.delete({
      ...about(request),
      id: request.getId(),
      inputs: read(request.getOldInputs()),
      outputs: read(request.getProperties()),
    });
    return new Empty();
  }),
};

const server = new grpc.Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
server.addService(ResourceProviderService, service);
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${port}\n`);
});

// How the engine ends its plugins; one that stays is waited for. An engine that was killed leaves nobody behind.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit(1);
}, 500).unref();
