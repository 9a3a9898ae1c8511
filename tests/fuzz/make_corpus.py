#!/usr/bin/env python3
"""usage: PYTHONPATH=STUBS /usr/bin/python3 make_corpus.py DIRECTORY

Writes inputs for wire_fuzz from which it starts: well-formed messages of each kind, by stubs generated from proto/.
"""

import pathlib
import sys

from google.protobuf import any_pb2
from tractor.v1 import actor_pb2, error_pb2, link_pb2, value_pb2

KINDS = ["value", "error", "call", "invoke", "items", "to_server", "to_caller"]


def value(**fields):
    return value_pb2.Value(**fields)


NESTED = value(list_value=value_pb2.ListValue(values=[
    value(int64_value=-7), value(string_value="naïve"), value(bytes_value=b"\xff\x00"), value(double_value=0.1),
    value(bool_value=True), value(null_value=0),
    value(message_value=any_pb2.Any(type_url="type.googleapis.com/tractor.v1.Value",
                                    value=value(int64_value=1).SerializeToString())),
    value(map_value=value_pb2.MapValue(fields={"a": value(int64_value=2**62), "b": value(string_value="")}))]))

ERROR = error_pb2.Error(error_id="e1", type="std::runtime_error", message="out of popcorn",
                        origin=error_pb2.ActorRef(name="donny", actor_id="d0"))
ERROR.causes.add(type="int", message="42")
ERROR.attributes["pid"] = "7"

ROOM = link_pb2.Credit(items=4, bytes=64)
CALL = link_pb2.Call(function="m.f", args=[NESTED], named_args={"x": value(int64_value=1)}, call_id="id", item_room=ROOM)
CALL.timeout.seconds = 1
INVOKE = actor_pb2.InvokeRequest(function="m.f", args=[NESTED], call_id="id", item_room=ROOM, error_delivery=1)


def messages(*batches):
    """Each batch of frames as a message behind its length."""
    out = b""
    for frames in batches:
        message = link_pb2.ConnectRequest(frames=frames).SerializeToString()
        assert len(message) < 256
        out += bytes([len(message)]) + message
    return out


def frame(call, reply=False, **body):
    return link_pb2.Frame(call=call, reply=reply, **body)


SMALL_CALL = link_pb2.Call(function="m.f", item_room=ROOM)
ITEM = value(string_value="an item")
RUN = link_pb2.ItemRun(ints=[1, -2, 3])
WHOLE = frame(3, open=SMALL_CALL).SerializeToString()

INPUTS = {
    "value": [NESTED.SerializeToString()],
    "error": [ERROR.SerializeToString()],
    "call": [CALL.SerializeToString()],
    "invoke": [INVOKE.SerializeToString()],
    "items": [RUN.SerializeToString(), link_pb2.ItemRun(doubles=[0.5, 1.5]).SerializeToString(),
              link_pb2.ItemRun(bools=[True, False]).SerializeToString(),
              link_pb2.ItemRun(values=[ITEM, NESTED]).SerializeToString()],
    "to_server": [
        messages([frame(1, open=SMALL_CALL)], [frame(1, items=RUN), frame(1, item=ITEM)], [frame(1, credit=ROOM)],
                 [frame(1, close_send=link_pb2.CloseSend())], [frame(1, cancel=link_pb2.CancelCall(reason="enough"))]),
        messages([frame(3, chunk=link_pb2.Chunk(data=WHOLE[:5], total_bytes=len(WHOLE)))],
                 [frame(3, chunk=link_pb2.Chunk(data=WHOLE[5:], last=True))]),
    ],
    "to_caller": [
        messages([frame(1, True, value=ITEM), frame(2, True, started=link_pb2.Started(value=ITEM))],
                 [frame(2, True, items=RUN), frame(2, True, item=ITEM)], [frame(2, True, credit=ROOM)],
                 [frame(2, True, close_send=link_pb2.CloseSend()), frame(2, True, value=ITEM)]),
        messages([frame(1, True, error=link_pb2.Frame(error=error_pb2.Error(message="no")).error)],
                 [frame(2, True, cancel_ack=link_pb2.CancelAck(found=True))],
                 [frame(0, go_away=link_pb2.GoAway(reason="closing"))]),
    ],
}

if len(sys.argv) != 2:
    sys.exit(__doc__)
for kind, inputs in INPUTS.items():
    for number, content in enumerate(inputs):
        (pathlib.Path(sys.argv[1]) / f"{kind}_{number}").write_bytes(bytes([KINDS.index(kind)]) + content)
