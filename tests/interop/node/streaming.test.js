// A Node program streams from a C++ actor, with @grpc/grpc-js and the contract in proto/.
//
// usage: SERVER=interop_server PROTO=proto/ node --test
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const PATIENCE = 30_000; // milliseconds that anything may take on a busy machine

const directory = mkdtempSync(join(tmpdir(), "interop."));
let server, actor;

before(async () => {
  const credential = join(directory, "token");
  writeFileSync(credential, "a-secret\n", { mode: 0o600 });
  const runtime = join(directory, "runtime");
  mkdirSync(runtime, { mode: 0o700 });
  server = spawn(process.env.SERVER, [credential], {
    env: { PATH: process.env.PATH, TRACTOR_RUNTIME_DIR: runtime },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const { value: address } = await createInterface(server.stdout)[Symbol.asyncIterator]().next();
  const definition = protoLoader.loadSync("tractor/v1/actor.proto", {
    includeDirs: [process.env.PROTO], keepCase: true, longs: Number, enums: String, oneofs: true,
  });
  const { ActorService } = grpc.loadPackageDefinition(definition).tractor.v1;
  actor = new ActorService(address, grpc.credentials.createInsecure());
});

after(async () => {
  actor.close();
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.stdin.end();
  assert.equal(await ended, 0);
  rmSync(directory, { recursive: true });
});

const toValue = (js) => (typeof js === "number" ? { int64_value: js } : { string_value: js });
const fromValue = (value) => value[value.kind];
const request = (name, ...args) => ({
  function: `interop.${name}`,
  args: args.map(toValue),
  caller: { name: "node", actor_id: "cafe1234" },
});
const deadline = () => ({ deadline: Date.now() + PATIENCE });
const call = (name, ...args) =>
  new Promise((resolve, reject) =>
    actor.Invoke(request(name, ...args), deadline(), (error, response) =>
      error ? reject(error) : resolve(fromValue(response.value))));

function open(opening) {
  const stream = actor.Stream(deadline());
  stream.write({ open: opening });
  return stream;
}

// The items until the stream ends, and its result or error.
async function outcome(stream) {
  const items = [];
  try {
    for await (const response of stream) {
      if (response.message === "item") items.push(fromValue(response.item));
      if (response.message === "result") return { items, result: fromValue(response.result.value) };
    }
  } catch (error) {
    return { items, error };
  }
  throw new Error("the stream ended without a result");
}

const numbers = (count) => Array.from({ length: count }, (_, i) => i + 1);

test("A12: a generator is read to its end", async () => {
  const stream = open(request("count_to", 1000));
  const { items, result } = await outcome(stream);
  assert.deepEqual(items, numbers(1000));
  assert.equal(result, "NULL_VALUE");
  stream.end();
});

test("A12: an error after three items arrives after three items", async () => {
  const { items, error } = await outcome(open(request("fail_after", 3)));
  assert.deepEqual(items, [1, 2, 3]);
  assert.equal(error.code, grpc.status.UNKNOWN);
  assert.equal(error.details, "out of numbers");
  assert.ok(error.metadata.get("grpc-status-details-bin").length === 1);
});

test("A14: item_room holds the generator back", async () => {
  const stream = open({ ...request("yield_forever", "node is slow", 16), item_room: { items: 5, bytes: 1 << 20 } });
  const responses = stream[Symbol.asyncIterator]();
  for (let i = 0; i < 5; ++i) assert.equal(fromValue((await responses.next()).value.item), "x".repeat(16));
  await sleep(50);
  assert.equal(await call("how_many_yielded"), 5);
  stream.write({ credit: { items: 3, bytes: 1 << 20 } });
  for (let i = 0; i < 3; ++i) await responses.next();
  await sleep(50);
  assert.equal(await call("how_many_yielded"), 8);
  stream.on("error", () => {}); // that it was cancelled
  stream.cancel();
  await call("wait_until_ended", "node is slow");
});

test("A13: cancelling in the middle ends the generator", async () => {
  const stream = open(request("yield_forever", "node cancels", 16));
  const { items, error } = await (async () => {
    const all = outcome(stream);
    await call("wait_until_begun", "node cancels");
    stream.cancel();
    return all;
  })();
  assert.equal(error.code, grpc.status.CANCELLED);
  assert.ok(items.length >= 0);
  await call("wait_until_ended", "node cancels");
});

test("A16: a dialog", async () => {
  const stream = open(request("add_up", 100));
  const responses = stream[Symbol.asyncIterator]();
  assert.equal(fromValue((await responses.next()).value.started.value), "ready for node");
  let total = 100;
  for (const number of numbers(10)) {
    stream.write({ item: toValue(number) });
    total += number;
    assert.equal(fromValue((await responses.next()).value.item), `now ${total}`);
  }
  stream.end();
  const { value: last } = await responses.next();
  assert.equal(fromValue(last.result.value), total);
});

test("A05: what is wrong with the call is told", async () => {
  const { error } = await outcome(open(request("count_to", "ten")));
  assert.equal(error.code, grpc.status.INVALID_ARGUMENT);
  assert.match(error.details, /"last"/);
});
