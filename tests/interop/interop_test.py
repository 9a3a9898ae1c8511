"""A Python program calls a C++ actor through stubs generated from proto/.

usage: PYTHONPATH=STUBS /usr/bin/python3 interop_test.py SERVER [unittest option or test ...]

Needs Debian's python3-grpcio and nothing of ours but the stubs: what works here works in any language. It starts SERVER
(interop_server.cc) for itself, prints a line for each test, and stops at the first that fails.
"""

import collections
import math
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import grpc
from google.protobuf import any_pb2, duration_pb2, struct_pb2, timestamp_pb2
from google.rpc import status_pb2
from tractor.v1 import actor_pb2, actor_pb2_grpc, error_pb2, link_pb2, value_pb2

TOKEN = "correct-horse-battery-staple"
PATIENCE = 30  # seconds that anything may take on a busy machine
ME = error_pb2.ActorRef(name="python", actor_id="abcd1234")

# A google.protobuf.Any, compared as it is.
Message = collections.namedtuple("Message", "type_url value")


class Server:
    """interop_server, in a runtime directory of its own."""

    def __init__(self, program):
        self.directory = tempfile.mkdtemp(prefix="interop.")
        credential = os.path.join(self.directory, "token")
        with open(os.open(credential, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(TOKEN + "\n")
        runtime = os.path.join(self.directory, "runtime")
        os.mkdir(runtime, 0o700)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TRACTOR_")}
        environment["TRACTOR_RUNTIME_DIR"] = runtime
        self.process = subprocess.Popen([program, credential], env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.unix, self.tcp = (self.process.stdout.readline().strip() for _ in range(2))
        if not self.unix.startswith("unix:") or not self.tcp.startswith("127.0.0.1:"):
            self.close()
            raise RuntimeError(f"the server printed {self.unix!r} and {self.tcp!r} instead of its addresses")

    def close(self):
        """Lets it end, and returns its exit status."""
        self.process.stdin.close()
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            shutil.rmtree(self.directory)


def open_channel(address):
    # A proxy that this machine may have is not for loopback addresses; the sizes are the actor's.
    options = [("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", -1)]
    return grpc.insecure_channel(address, options=options)


def to_value(python):
    """A Python object as a tractor.v1.Value."""
    value = value_pb2.Value()
    if python is None:
        value.null_value = struct_pb2.NULL_VALUE
    elif isinstance(python, bool):
        value.bool_value = python
    elif isinstance(python, int):
        value.int64_value = python
    elif isinstance(python, float):
        value.double_value = python
    elif isinstance(python, str):
        value.string_value = python
    elif isinstance(python, bytes):
        value.bytes_value = python
    elif isinstance(python, list):
        value.list_value.SetInParent()
        value.list_value.values.extend(to_value(item) for item in python)
    elif isinstance(python, dict):
        value.map_value.SetInParent()
        for key, item in python.items():
            value.map_value.fields[key].CopyFrom(to_value(item))
    elif isinstance(python, Message):
        value.message_value.CopyFrom(any_pb2.Any(type_url=python.type_url, value=python.value))
    else:
        raise TypeError(type(python))
    return value


def from_value(value):
    kind = value.WhichOneof("kind")
    if kind == "null_value":
        return None
    if kind == "list_value":
        return [from_value(item) for item in value.list_value.values]
    if kind == "map_value":
        return {key: from_value(item) for key, item in value.map_value.fields.items()}
    if kind == "message_value":
        return Message(value.message_value.type_url, value.message_value.value)
    return getattr(value, kind)


def request_for(function, *args, call_id="", **named_args):
    return actor_pb2.InvokeRequest(function=function, args=[to_value(a) for a in args], call_id=call_id, caller=ME,
                                   named_args={name: to_value(a) for name, a in named_args.items()})


def decode_error(rpc_error):
    """The tractor.v1.Error in the trailing metadata of a failed call."""
    for key, data in rpc_error.trailing_metadata():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(data)
            assert status.code == rpc_error.code().value[0], (status, rpc_error)
            error = error_pb2.Error()
            assert len(status.details) == 1 and status.details[0].Unpack(error), status
            return error
    raise AssertionError(f"no grpc-status-details-bin with {rpc_error!r}")


class ActorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(SERVER_PROGRAM)
        cls.addClassCleanup(cls.server.close)
        channel = open_channel(cls.server.unix)
        cls.addClassCleanup(channel.close)
        cls.actor = actor_pb2_grpc.ActorServiceStub(channel)

    def call(self, function, *args, **named_args):
        return from_value(self.actor.Invoke(request_for(function, *args, **named_args), timeout=PATIENCE).value)

    def cancel(self, **fields):
        return self.actor.Cancel(actor_pb2.CancelRequest(requested_by=ME, **fields), timeout=PATIENCE)

    def failure(self, call):
        """The grpc.RpcError that the call ends with."""
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        return caught.exception

    def refused(self, code, *words, function, args=(), named_args=None):
        """Asserts that the call fails with that code and, in status and Error, a message with these words."""
        rpc_error = self.failure(lambda: self.call(function, *args, **(named_args or {})))
        self.assertEqual(rpc_error.code(), code, rpc_error.details())
        error = decode_error(rpc_error)
        self.assertEqual(error.message, rpc_error.details())
        self.assertEqual(error.origin.name, "interop")
        for word in words:
            self.assertIn(word, error.message)
        return error


class Calling(ActorTest):
    def test_arguments_by_position(self):
        self.assertEqual(self.call("interop.subtract", 44, 2), 42)

    def test_arguments_by_name(self):
        self.assertEqual(self.call("interop.subtract", y=2, x=44), 42)

    def test_arguments_by_position_and_by_name(self):
        self.assertEqual(self.call("interop.subtract", 44, y=2), 42)

    def test_an_optional_argument_may_be_left_out(self):
        self.assertEqual(self.call("interop.greet", name="you"), "hello you")
        self.assertEqual(self.call("interop.greet", name="you", greeting="good-bye"), "good-bye you")

    def test_a_function_without_a_result_returns_null(self):
        held = self.actor.Invoke.future(request_for("interop.hold", "a result"), timeout=PATIENCE)
        self.assertIsNone(self.call("interop.wait_until_begun", "a result"))
        held.cancel()

    def test_values_of_every_kind_survive_the_round_trip(self):
        message = Message("type.googleapis.com/tractor.v1.ActorRef", ME.SerializeToString())
        for kind, values in {
            "null": [None],
            "bool": [True, False],
            "int64": [0, -1, 2**63 - 1, -(2**63)],
            "double": [0.0, -0.1, 1.7976931348623157e308, 5e-324, math.inf, -math.inf, math.nan],
            "string": ["", "text", "naïve 日本語 \U0001d11e \x00"],
            "bytes": [b"", b"text", bytes(range(256)), b"\xff" * (8 << 20)],
            "list": [[], [None, True, 7, 0.5, "s", b"\xff", [1, [2, []]], {"k": []}]],
            "map": [{}, {"": 1, "null": None, "list": [1, "two"], "map": {"message": message}}],
            "message": [message],
        }.items():
            for value in values:
                with self.subTest(kind=kind, value=repr(value)[:40]):
                    self.assertEqual(self.call("interop.kind_of", value), kind)
                    back = self.call("interop.echo", value)
                    self.assertIs(type(back), type(value))
                    if value != value:
                        self.assertTrue(math.isnan(back))
                    else:
                        self.assertEqual(back, value)

    def test_a_value_that_is_not_set_is_null(self):
        request = actor_pb2.InvokeRequest(function="interop.kind_of", args=[value_pb2.Value()])
        self.assertEqual(self.actor.Invoke(request, timeout=PATIENCE).value.string_value, "null")

    def test_a_protobuf_message_is_an_argument_and_a_result(self):
        time = timestamp_pb2.Timestamp(seconds=1700000000, nanos=5)
        request = actor_pb2.InvokeRequest(function="interop.add_seconds", args=[value_pb2.Value(), to_value(90)])
        request.args[0].message_value.Pack(time)
        result = timestamp_pb2.Timestamp()
        self.assertTrue(self.actor.Invoke(request, timeout=PATIENCE).value.message_value.Unpack(result))
        self.assertEqual(result, timestamp_pb2.Timestamp(seconds=1700000090, nanos=5))

    def test_a_duration_is_seconds_or_a_protobuf_message_where_a_double_cannot_tell(self):
        self.assertEqual(self.call("interop.one_nanosecond_more", 0), 1e-9)
        duration = duration_pb2.Duration(seconds=2**33, nanos=1)
        message = Message("type.googleapis.com/google.protobuf.Duration", duration.SerializeToString())
        back = duration_pb2.Duration.FromString(self.call("interop.one_nanosecond_more", message).value)
        self.assertEqual(back, duration_pb2.Duration(seconds=2**33, nanos=2))

    def test_what_is_nested_deeper_than_parsers_go_is_a_value_in_a_message(self):
        value = to_value("bottom")
        for level in range(1, 101):
            value = value_pb2.Value(list_value=value_pb2.ListValue(values=[value]))
            if level % 30 == 0:
                packed = value_pb2.Value()
                packed.message_value.Pack(value)
                value = packed
        request = actor_pb2.InvokeRequest(function="interop.echo", args=[value])
        back = self.actor.Invoke(request, timeout=PATIENCE).value
        for _ in range(100):
            if back.WhichOneof("kind") == "message_value":
                inner = value_pb2.Value()
                self.assertTrue(back.message_value.Unpack(inner))
                back = inner
            back = back.list_value.values[0]
        self.assertEqual(back.string_value, "bottom")

    def test_nested_deeper_than_the_limit_is_an_error(self):
        value = to_value("bottom")
        for _ in range(200):
            packed = value_pb2.Value()
            packed.message_value.Pack(value)
            value = packed
        request = actor_pb2.InvokeRequest(function="interop.echo", named_args={"value": value})
        rpc_error = self.failure(lambda: self.actor.Invoke(request, timeout=PATIENCE))
        self.assertEqual(rpc_error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn('interop.echo: argument "value": a value nested more than 128 deep', rpc_error.details())

    def test_the_actor_describes_its_functions(self):
        response = self.actor.Describe(actor_pb2.DescribeRequest(), timeout=PATIENCE)
        self.assertEqual(response.actor.name, "interop")
        self.assertEqual([(m.name, m.enabled) for m in response.modules], [("hidden", False), ("interop", True)])
        functions = {f.name: f for f in response.modules[1].functions}
        greet = functions["greet"]
        self.assertEqual(greet.kind, actor_pb2.FUNCTION_KIND_UNARY)
        self.assertEqual([(p.name, p.type, p.optional) for p in greet.parameters],
                         [("name", "string", False), ("greeting", "optional string", True)])
        self.assertEqual(greet.result_type, "string")
        self.assertEqual(functions["add_seconds"].result_type, "google.protobuf.Timestamp")

    def test_calls_run_side_by_side(self):
        held = self.actor.Invoke.future(request_for("interop.hold", "side by side"), timeout=PATIENCE)
        self.call("interop.wait_until_begun", "side by side")
        requests = [request_for("interop.subtract", i, 1) for i in range(100)]
        futures = [self.actor.Invoke.future(request, timeout=PATIENCE) for request in requests]
        self.assertEqual([from_value(f.result().value) for f in futures], [i - 1 for i in range(100)])
        self.assertFalse(held.done())
        held.cancel()


class Errors(ActorTest):
    def test_an_exception_has_its_type_message_and_origin(self):
        error = self.refused(grpc.StatusCode.UNKNOWN, "it broke: ☠", function="interop.fail", args=["it broke: ☠"])
        self.assertTrue(error.type.endswith("Mishap"), error.type)
        self.assertEqual(error.kind, error_pb2.ERROR_KIND_FUNCTION)
        self.assertTrue(error.error_id)
        self.assertTrue(error.origin.actor_id)
        self.assertFalse(error.truncated)

    def test_a_registered_exception_has_its_name_and_its_members(self):
        error = self.refused(grpc.StatusCode.UNKNOWN, "too few", function="interop.run_short", args=["popcorn", 3])
        self.assertEqual(error.type, "interop.Shortage")
        members = value_pb2.Value()
        self.assertTrue(len(error.details) == 1 and error.details[0].Unpack(members), error)
        self.assertEqual(from_value(members), {"what_of": "popcorn", "missing": 3})

    def test_a_text_that_is_too_long_for_metadata_is_cut_and_says_so(self):
        error = self.refused(grpc.StatusCode.UNKNOWN, "1000000 bytes in all",
                             function="interop.fail", args=["long " * 200000])
        self.assertTrue(error.truncated)
        self.assertEqual(self.call("interop.subtract", 1, 1), 0)

    def test_a_long_text_that_metadata_encode_as_thrice_as_long_does_not_break_the_connection(self):
        error = self.refused(grpc.StatusCode.UNKNOWN, "1500000 bytes in all",
                             function="interop.fail", args=["☠" * 500000])
        self.assertTrue(error.truncated)

    def test_bytes_that_are_no_text_do_not_break_the_error(self):
        self.refused(grpc.StatusCode.UNKNOWN, "\\xff", function="interop.fail", args=[b"\xff\x00\n"])

    def test_an_error_is_delivered_in_the_body_when_asked_for(self):
        request = request_for("interop.fail", "in the body")
        request.error_delivery = actor_pb2.ERROR_DELIVERY_BODY
        response = self.actor.Invoke(request, timeout=PATIENCE)
        self.assertEqual(response.WhichOneof("outcome"), "error")
        self.assertEqual(response.error.message, "in the body")

    def test_what_is_larger_than_a_message_may_be_is_named_and_the_next_call_answered(self):
        megabyte = "x" * 2**20
        self.assertEqual(len(self.call("interop.repeated", megabyte, 63)), 63 * 2**20)
        self.refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "the result of interop.repeated has", str(64 * 2**20),
                     function="interop.repeated", args=[megabyte, 64])
        error = self.failure(lambda: self.call("interop.kind_of", "x" * (66 * 2**20)))
        self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED, error.details())
        self.assertEqual(self.call("interop.subtract", 3, 1), 2)

    def test_an_unknown_function_is_not_found(self):
        self.refused(grpc.StatusCode.NOT_FOUND, '"interop.nothing"', function="interop.nothing")

    def test_an_unknown_module_is_not_found(self):
        self.refused(grpc.StatusCode.NOT_FOUND, '"nowhere"', function="nowhere.nothing")

    def test_a_module_that_is_not_enabled_is_denied(self):
        self.refused(grpc.StatusCode.PERMISSION_DENIED, '"hidden"', '"interop"', function="hidden.secret")

    def test_a_wrong_argument_is_named(self):
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "interop.subtract", '"y"', "int64", '"two"',
                     function="interop.subtract", args=[1, "two"])
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "interop.narrow", '"x"', "int8", "300",
                     function="interop.narrow", args=[300])

    def test_a_missing_argument_is_named(self):
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "interop.subtract", '"y"', function="interop.subtract", args=[1])

    def test_a_surplus_argument_is_counted(self):
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "interop.subtract", "2 arguments", "3",
                     function="interop.subtract", args=[1, 2, 3])

    def test_a_misnamed_argument_is_named(self):
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "interop.subtract", '"z"',
                     function="interop.subtract", args=[1], named_args={"z": 2})

    def test_an_argument_given_twice_is_named(self):
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "interop.subtract", '"x"',
                     function="interop.subtract", args=[1], named_args={"x": 2})

    def test_a_call_meant_for_another_actor_is_not_found(self):
        request = request_for("interop.subtract", 1, 1)
        request.target_actor_id = "somebody-else"
        rpc_error = self.failure(lambda: self.actor.Invoke(request, timeout=PATIENCE))
        self.assertEqual(rpc_error.code(), grpc.StatusCode.NOT_FOUND)
        self.assertIn("somebody-else", decode_error(rpc_error).message)


class Cancelling(ActorTest):
    def hold(self, tag, timeout=PATIENCE):
        """A call that waits on the server; returns when it does."""
        held = self.actor.Invoke.future(request_for("interop.hold", tag, call_id=tag), timeout=timeout)
        self.call("interop.wait_until_begun", tag)
        return held

    def test_a_call_in_flight_is_cancelled_by_its_id(self):
        held = self.hold("by id")
        self.assertTrue(self.cancel(call_id="by id", reason="enough").found)
        rpc_error = held.exception()
        self.assertEqual(rpc_error.code(), grpc.StatusCode.CANCELLED)
        error = decode_error(rpc_error)
        self.assertEqual(error.kind, error_pb2.ERROR_KIND_CANCELLED)
        self.assertEqual(error.attributes["cancelled_by"], "python@abcd")
        self.assertIn("enough", error.message)
        self.call("interop.wait_until_ended", "by id")
        self.assertFalse(self.cancel(call_id="by id").found)

    def test_cancelling_an_unknown_id_finds_nothing(self):
        self.assertFalse(self.cancel(call_id="never used").found)
        self.assertFalse(self.cancel(call_id="").found)

    def test_other_calls_go_on(self):
        one, other = self.hold("one"), self.hold("other")
        self.assertTrue(self.cancel(call_id="one").found)
        self.assertEqual(one.exception().code(), grpc.StatusCode.CANCELLED)
        self.assertFalse(other.done())
        self.assertTrue(self.cancel(call_id="other").found)
        self.assertEqual(other.exception().code(), grpc.StatusCode.CANCELLED)

    def test_an_id_can_be_used_again_when_its_call_has_ended(self):
        for tag in ("first", "second"):
            held = self.actor.Invoke.future(request_for("interop.hold", tag, call_id="again"), timeout=PATIENCE)
            self.call("interop.wait_until_begun", tag)
            self.assertTrue(self.cancel(call_id="again").found)
            self.assertEqual(held.exception().code(), grpc.StatusCode.CANCELLED)

    def test_the_deadline_of_the_rpc_ends_the_remote_task(self):
        held = self.hold("rpc deadline", timeout=2)  # enough to get there on a busy machine
        self.assertEqual(held.exception().code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.call("interop.wait_until_ended", "rpc deadline")  # its destructors ran

    def test_the_timeout_in_the_request_ends_the_remote_task(self):
        request = request_for("interop.hold", "request timeout")
        request.timeout.FromMilliseconds(50)
        rpc_error = self.failure(lambda: self.actor.Invoke(request, timeout=PATIENCE))
        self.assertEqual(rpc_error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertEqual(decode_error(rpc_error).kind, error_pb2.ERROR_KIND_DEADLINE_EXCEEDED)
        self.call("interop.wait_until_ended", "request timeout")

    def test_a_client_that_gives_up_ends_the_remote_task(self):
        held = self.hold("given up")
        held.cancel()
        self.call("interop.wait_until_ended", "given up")

    def test_a_client_that_goes_away_ends_the_remote_task(self):
        channel = open_channel(self.server.unix)
        client = actor_pb2_grpc.ActorServiceStub(channel)
        held = client.Invoke.future(request_for("interop.hold", "gone"), timeout=PATIENCE)
        self.call("interop.wait_until_begun", "gone")
        channel.close()
        self.call("interop.wait_until_ended", "gone")
        del held  # not earlier: a call that nobody refers to is cancelled

    def test_another_actor_cannot_be_cancelled_here(self):
        rpc_error = self.failure(lambda: self.cancel(actor_id="somebody-else"))
        self.assertEqual(rpc_error.code(), grpc.StatusCode.NOT_FOUND)
        self.assertEqual(self.call("interop.subtract", 1, 1), 0)


class Requests:
    """The requests of one Stream, sent as they are added."""

    def __init__(self, opening):
        self.queue = queue.SimpleQueue()
        self.queue.put(actor_pb2.StreamRequest(open=opening))

    def item(self, python):
        self.queue.put(actor_pb2.StreamRequest(item=to_value(python)))

    def grant(self, items):
        self.queue.put(actor_pb2.StreamRequest(credit=link_pb2.Credit(items=items, bytes=items << 20)))

    def close_send(self):
        self.queue.put(actor_pb2.StreamRequest(close_send=link_pb2.CloseSend()))

    def end(self):
        self.queue.put(None)

    def __iter__(self):
        return iter(self.queue.get, None)


class Streaming(ActorTest):
    def stream(self, opening):
        """The requests and the responses of a Stream that ends with the test."""
        requests = Requests(opening)
        responses = self.actor.Stream(iter(requests), timeout=PATIENCE)
        self.addCleanup(requests.end)
        self.addCleanup(responses.cancel)
        return requests, responses

    def outcome(self, responses):
        """The items, and how the stream ended: the result as a Python object, or the error."""
        items = []
        try:
            for response in responses:
                kind = response.WhichOneof("message")
                if kind == "result":
                    return items, from_value(response.result.value)
                if kind == "item":
                    items.append(from_value(response.item))
        except grpc.RpcError as error:
            return items, error
        self.fail("the stream ended without a result")

    def refused(self, code, *words, opening):
        items, error = self.outcome(self.stream(opening)[1])
        self.assertEqual(items, [])
        self.assertEqual(error.code(), code, error.details())
        for word in words:
            self.assertIn(word, error.details())

    def test_A12_a_generator_is_read_to_its_end(self):
        _, responses = self.stream(request_for("interop.count_to", 1000))
        self.assertEqual(self.outcome(responses), (list(range(1, 1001)), None))

    def test_an_item_that_is_larger_than_a_message_may_be_ends_the_stream_and_is_named(self):
        self.refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "an item of interop.yield_forever has", str(64 * 2**20),
                     opening=request_for("interop.yield_forever", "too large", 65 * 2**20))

    def test_A12_an_error_after_three_items_arrives_after_three_items(self):
        _, responses = self.stream(request_for("interop.fail_after", count=3))
        items, error = self.outcome(responses)
        self.assertEqual(items, [1, 2, 3])
        self.assertEqual(error.code(), grpc.StatusCode.UNKNOWN)
        self.assertEqual(decode_error(error).message, "out of numbers")
        self.assertIn("Mishap", decode_error(error).type)

    def test_A12_a_reader_that_takes_its_time_gets_all_there_is(self):
        def slowly(responses):
            for response in responses:
                yield response
                time.sleep(0.3)
        _, responses = self.stream(request_for("interop.yield_some", 1 << 20, 10))
        items, result = self.outcome(slowly(responses))
        self.assertEqual([len(item) for item in items], [1 << 20] * 10)
        self.assertIsNone(result)

    def test_A12_an_error_in_the_body_comes_after_the_items_too(self):
        opening = request_for("interop.fail_after", 3)
        opening.error_delivery = actor_pb2.ERROR_DELIVERY_BODY
        responses = list(self.stream(opening)[1])
        self.assertEqual([from_value(r.item) for r in responses[:3]], [1, 2, 3])
        self.assertEqual(responses[3].result.error.message, "out of numbers")

    def test_a_call_meant_for_another_actor_is_told_in_the_body_too(self):
        opening = request_for("interop.count_to", 3)
        opening.target_actor_id = "someone else"
        opening.error_delivery = actor_pb2.ERROR_DELIVERY_BODY
        responses = list(self.stream(opening)[1])
        self.assertEqual(len(responses), 1)
        self.assertEqual(responses[0].result.error.kind, error_pb2.ERROR_KIND_NOT_FOUND)

    def test_A13_cancelling_the_rpc_ends_the_generator(self):
        _, responses = self.stream(request_for("interop.yield_forever", "cancelled", 16))
        self.assertEqual(from_value(next(responses).item), "x" * 16)
        responses.cancel()
        self.call("interop.wait_until_ended", "cancelled")

    def test_A32_cancelling_by_id_ends_the_generator_and_says_who_did(self):
        _, responses = self.stream(request_for("interop.yield_forever", "by id", 16, call_id="a stream"))
        next(responses)
        self.assertTrue(self.cancel(call_id="a stream", reason="enough").found)
        _, error = self.outcome(responses)
        self.assertEqual(error.code(), grpc.StatusCode.CANCELLED)
        self.assertEqual(decode_error(error).attributes["cancelled_by"], "python@abcd")
        self.call("interop.wait_until_ended", "by id")

    def test_A14_item_room_holds_the_generator_back(self):
        opening = request_for("interop.yield_forever", "held back", 16)
        opening.item_room.items, opening.item_room.bytes = 5, 1 << 20
        requests, responses = self.stream(opening)
        for granted in (5, 8):
            for _ in range(5 if granted == 5 else 3):
                next(responses)
            time.sleep(0.05)
            self.assertEqual(self.call("interop.how_many_yielded"), granted)
            requests.grant(3)

    def test_A14_without_item_room_the_transport_holds_the_generator_back(self):
        _, responses = self.stream(request_for("interop.yield_forever", "megabytes", 1 << 20))
        next(responses)
        yielded = -1
        while yielded != (yielded := self.call("interop.how_many_yielded")):
            time.sleep(0.2)
        self.assertLess(yielded, 40)
        next(responses)

    def test_A16_a_dialog(self):
        requests, responses = self.stream(request_for("interop.add_up", 100))
        self.assertEqual(from_value(next(responses).started.value), "ready for python")
        total = 100
        for number in range(1, 11):
            requests.item(number)
            total += number
            self.assertEqual(from_value(next(responses).item), f"now {total}")
        requests.close_send()
        self.assertEqual(self.outcome(responses), ([], total))

    def test_A16_ending_the_requests_is_as_good_as_close_send(self):
        requests, responses = self.stream(request_for("interop.add_up", start=1))
        for number in range(2000):  # more than the actor reads ahead
            requests.item(number)
        requests.end()
        items, result = self.outcome(responses)
        self.assertEqual((len(items), result), (2000, 1 + sum(range(2000))))

    def test_A05_what_is_wrong_with_the_call_is_told(self):
        code = grpc.StatusCode
        self.refused(code.NOT_FOUND, '"interop.cuont_to"', opening=request_for("interop.cuont_to", 1))
        self.refused(code.INVALID_ARGUMENT, '"last"', opening=request_for("interop.count_to", "ten"))
        self.refused(code.INVALID_ARGUMENT, "returns one value", opening=request_for("interop.subtract", 1, 1))
        self.assertIn("is a generator", self.failure(lambda: self.call("interop.count_to", 1)).details())

    def test_what_breaks_the_contract_is_told(self):
        responses = self.actor.Stream(iter([actor_pb2.StreamRequest(item=to_value(1))]), timeout=PATIENCE)
        self.assertIn("opens a call", self.outcome(responses)[1].details())
        requests, responses = self.stream(request_for("interop.add_up", 1))
        requests.grant(1)
        _, error = self.outcome(responses)
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("without item_room", error.details())


class NotServed(ActorTest):
    def not_implemented(self, call):
        self.assertEqual(self.failure(call).code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertEqual(self.call("interop.subtract", 1, 1), 0)

    def test_a_method_nobody_has_is_unimplemented(self):
        channel = open_channel(self.server.unix)
        self.addCleanup(channel.close)
        self.not_implemented(lambda: channel.unary_unary("/tractor.v1.Nobody/Nothing")(b"", timeout=PATIENCE))


class Link(ActorTest):
    """What C++ actors do between them, done by hand: the contract alone tells how."""

    HELLO = link_pb2.Frame(hello=link_pb2.Hello(version_min=1, version_max=1, actor=ME))

    @staticmethod
    def open(call, function, *args):
        return link_pb2.Frame(call=call, open=link_pb2.Call(function=function, args=[to_value(a) for a in args]))

    def frames(self, *frames, answers):
        """Sends frames in one message and returns the hello and as many answers."""
        sent = threading.Event()

        def requests():
            yield link_pb2.ConnectRequest(frames=frames)
            sent.wait(PATIENCE)

        received = []
        responses = self.actor.Connect(requests(), timeout=PATIENCE)
        for response in responses:
            received += response.frames
            if len(received) > answers:
                break
        sent.set()
        self.assertEqual(list(responses), [])
        return received

    def refusal(self, *frames):
        call = self.actor.Connect(iter([link_pb2.ConnectRequest(frames=frames)]), timeout=PATIENCE)
        rpc_error = self.failure(lambda: list(call))
        self.assertEqual(rpc_error.code(), grpc.StatusCode.FAILED_PRECONDITION)
        self.assertEqual(self.call("interop.subtract", 1, 1), 0)  # the actor goes on
        return rpc_error.details()

    def test_calls_are_answered_each_by_its_number(self):
        hello, *answers = self.frames(self.HELLO, self.open(1, "interop.subtract", 5, 3),
                                      self.open(2, "interop.subtract", 1, 1), self.open(7, "interop.nothing"), answers=3)
        self.assertEqual(hello.hello.actor.name, "interop")
        by_call = {frame.call: frame for frame in answers}
        self.assertEqual(by_call[1].value, to_value(2))
        self.assertEqual(by_call[2].value, to_value(0))
        self.assertEqual(by_call[7].error.kind, error_pb2.ERROR_KIND_NOT_FOUND)
        self.assertTrue(all(frame.reply for frame in answers))

    def test_A41_who_does_not_say_who_it_is_is_let_go(self):  # after 20 s
        done = threading.Event()
        self.addCleanup(done.set)

        def nothing():
            done.wait(PATIENCE)
            return
            yield

        call = self.actor.Connect(nothing(), timeout=PATIENCE)
        rpc_error = self.failure(lambda: list(call))
        self.assertIn("does not say who it is", rpc_error.details())

    def test_who_breaks_the_rules_is_told_which(self):
        self.assertIn("its first frame is no hello", self.refusal(self.open(1, "interop.subtract", 1, 1)))
        self.assertIn("a second hello", self.refusal(self.HELLO, self.HELLO))
        self.assertIn("was never opened", self.refusal(self.HELLO, link_pb2.Frame(call=3, cancel={})))
        self.assertIn("call 1 is opened after call 2",
                      self.refusal(self.HELLO, self.open(2, "interop.subtract", 1, 1),
                                   self.open(1, "interop.subtract", 1, 1)))
        self.assertIn("speaks versions 8 to 9", self.refusal(link_pb2.Frame(hello={"version_min": 8, "version_max": 9})))
        self.assertIn("in pieces", self.refusal(self.HELLO, link_pb2.Frame(call=1, chunk={"data": b"x"})))


class Credentials(ActorTest):
    def over_tcp(self, metadata):
        """A result over TCP, where Cancel and Describe answer alike."""
        with open_channel(self.server.tcp) as channel:
            actor = actor_pb2_grpc.ActorServiceStub(channel)
            options = {"metadata": metadata, "timeout": PATIENCE}
            cancelled = actor.Cancel.future(actor_pb2.CancelRequest(call_id="never used"), **options)
            described = actor.Describe.future(actor_pb2.DescribeRequest(), **options)
            invoked = actor.Invoke.future(request_for("interop.subtract", 44, 2), **options)
            self.assertEqual(cancelled.code(), invoked.code())
            self.assertEqual(described.code(), invoked.code())
            return from_value(invoked.result().value)

    def unauthenticated(self, metadata, word):
        rpc_error = self.failure(lambda: self.over_tcp(metadata))
        self.assertEqual(rpc_error.code(), grpc.StatusCode.UNAUTHENTICATED)
        self.assertEqual(decode_error(rpc_error).kind, error_pb2.ERROR_KIND_UNAUTHENTICATED)
        self.assertIn(word, rpc_error.details())
        self.assertNotIn(TOKEN, rpc_error.details())

    def test_tcp_without_a_token_is_refused_and_told_what_to_send(self):
        self.unauthenticated([], "authorization: Bearer")

    def test_tcp_with_a_wrong_token_is_refused(self):
        for wrong in ("Bearer wrong", "Bearer ", "Bearer " + TOKEN[:-1], "Bearer " + TOKEN + "x", TOKEN):
            with self.subTest(authorization=wrong):
                self.unauthenticated([("authorization", wrong)], "not the one")

    def test_tcp_with_the_token_is_served(self):
        self.assertEqual(self.over_tcp([("authorization", "Bearer " + TOKEN)]), 42)

    def test_the_unix_socket_asks_for_none(self):
        self.assertEqual(self.call("interop.subtract", 44, 2), 42)


class Ending(unittest.TestCase):
    """How the server ends, with a call in flight."""

    def setUp(self):
        self.server = Server(SERVER_PROGRAM)
        channel = open_channel(self.server.unix)
        self.addCleanup(channel.close)
        self.actor = actor_pb2_grpc.ActorServiceStub(channel)
        self.held = self.actor.Invoke.future(request_for("interop.hold", "until the end"), timeout=PATIENCE)
        self.actor.Invoke(request_for("interop.wait_until_begun", "until the end"), timeout=PATIENCE)

    def ends_with(self, exit_status):
        self.assertEqual(self.server.process.wait(PATIENCE), exit_status)
        self.server.close()
        self.assertEqual(self.held.exception().code(), grpc.StatusCode.UNAVAILABLE)

    def test_sigterm_ends_it_with_143(self):
        self.server.process.send_signal(signal.SIGTERM)
        self.ends_with(143)

    def test_the_end_of_its_input_ends_it_with_0(self):
        self.server.process.stdin.close()
        self.ends_with(0)

    def test_a_client_cancels_the_actor_itself(self):
        me = decode_error(self.broken_call()).origin.actor_id
        note = os.path.join(tempfile.mkdtemp(), "note")
        self.addCleanup(shutil.rmtree, os.path.dirname(note))
        self.actor.Invoke(request_for("interop.write_at_exit", note), timeout=PATIENCE)
        with self.assertRaises(grpc.RpcError) as caught:
            self.actor.Cancel(actor_pb2.CancelRequest(actor_id="", requested_by=ME), timeout=PATIENCE)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        response = self.actor.Cancel(actor_pb2.CancelRequest(actor_id=me, requested_by=ME), timeout=PATIENCE)
        self.assertTrue(response.found)
        self.ends_with(1)
        with open(note, encoding="utf-8") as file:  # it had the default time to end
            self.assertEqual(file.read(), "cleaned up")

    def broken_call(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.actor.Invoke(request_for("interop.fail", ""), timeout=PATIENCE)
        return caught.exception


if __name__ == "__main__":
    SERVER_PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=2, failfast=True)
