"""A client over aiocoap. Its arguments are an address and a list of what to do, in JSON; it writes
one answer a line.

    python aiocoap_client.py [--context FILE [--pairwise ID]] HOST '[{"method": "GET", "path": "/l"}]'

HOST is an IPv6 address without brackets; a multicast one needs a group's context. FILE: contexts.py.
"""

import argparse
import asyncio
import json
import logging
import sys

import aiocoap
from aiocoap.numbers.codes import Code
from aiocoap.optiontypes import BlockOption

import contexts

TIMEOUT_SECONDS = 20


class Echoes(logging.Handler):
    """How often aiocoap was challenged and asked again with the value it was sent."""

    def __init__(self):
        super().__init__()
        self.count = 0
        logger = logging.getLogger("coap")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(self)

    def emit(self, record):
        if "4.01 Unauthorized / Echo" in record.getMessage():
            self.count += 1


echoes = Echoes()


def tell(response):
    line = {"code": response.code.dotted, "payload": response.payload.hex(), "echoes": echoes.count}
    if response.opt.observe is not None:
        line["observe"] = response.opt.observe
    print(json.dumps(line), flush=True)


def message_of(action, host):
    message = aiocoap.Message(
        code=getattr(Code, action["method"]),
        uri=f"coap://[{host}]{action['path']}",
        payload=bytes.fromhex(action.get("payload", "")),
    )
    if "format" in action:
        message.opt.content_format = action["format"]
    if "observe" in action:
        message.opt.observe = 0
    if "szx" in action:
        message.opt.block2 = BlockOption.BlockwiseTuple(0, False, action["szx"])
    if "szx1" in action:
        message.opt.block1 = BlockOption.BlockwiseTuple(0, False, action["szx1"])
    if action.get("non"):
        message.transport_tuning = aiocoap.Unreliable
    return message


async def act(context, action, host):
    request = context.request(message_of(action, host))
    tell(await asyncio.wait_for(request.response, TIMEOUT_SECONDS))
    left = action.get("observe", 1) - 1
    if left <= 0:
        return
    notifications = aiter(request.observation)
    changes = action.get("change", [])
    for index in range(left):
        if index < len(changes):
            put = {**action, "method": "PUT", "payload": changes[index].encode().hex()}
            del put["observe"]
            await context.request(message_of(put, host)).response
        tell(await asyncio.wait_for(anext(notifications), TIMEOUT_SECONDS))
    request.observation.cancel()
    # The deregistration is on its way.
    await asyncio.sleep(0.3)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--context")
    parser.add_argument("--pairwise", help="of a group's context: to this member alone, hex")
    parser.add_argument("host")
    parser.add_argument("actions")
    given = parser.parse_args()
    context = await aiocoap.Context.create_client_context()
    if given.context:
        secured = contexts.load(given.context)
        if given.pairwise:
            secured = secured.pairwise_for(bytes.fromhex(given.pairwise))
        context.client_credentials["coap://*"] = secured
    for action in json.loads(given.actions):
        await act(context, action, given.host)
    await context.shutdown()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
