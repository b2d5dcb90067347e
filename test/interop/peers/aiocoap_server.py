"""A server over aiocoap whose every resource is there for holders of a security context only. It
says `listening`, then one line of JSON for each request.

    python aiocoap_server.py --context FILE [--multicast GROUP%INTERFACE] [--bind ADDRESS --port PORT]

    /hello   GET: "hello"                       /store   GET, PUT: any size
    /count   GET, observable: counts up         /l       POST: a light command, taken note of
"""

import argparse
import asyncio
import json

import aiocoap
from aiocoap import resource
from aiocoap.credentials import CredentialsMap
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper
from aiocoap.transports.oscore import OSCOREAddress

import contexts

COUNT_SECONDS = 0.7


def note(name, request):
    line = {
        "method": str(request.code),
        "path": name,
        "payload": request.payload.hex(),
        "secured": isinstance(request.remote, OSCOREAddress),
    }
    print(json.dumps(line), flush=True)
    if not line["secured"]:
        raise aiocoap.error.Unauthorized()


class Hello(resource.Resource):
    async def render_get(self, request):
        note("/hello", request)
        return aiocoap.Message(payload=b"hello", content_format=0)


class Store(resource.Resource):
    value = b""

    async def render_get(self, request):
        note("/store", request)
        return aiocoap.Message(payload=self.value)

    async def render_put(self, request):
        note("/store", request)
        self.value = request.payload
        return aiocoap.Message(code=aiocoap.CHANGED)


class Count(resource.ObservableResource):
    def __init__(self):
        super().__init__()
        self.value = 0
        self.task = asyncio.get_running_loop().create_task(self.count())

    async def count(self):
        while True:
            await asyncio.sleep(COUNT_SECONDS)
            self.value += 1
            self.updated_state()

    async def render_get(self, request):
        note("/count", request)
        return aiocoap.Message(payload=str(self.value).encode(), content_format=0)


class Light(resource.Resource):
    """Answers with an execution report: on, and what it was told."""

    async def render_post(self, request):
        note("/l", request)
        return aiocoap.Message(code=aiocoap.CHANGED, payload=bytes.fromhex("a10000"), content_format=60)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--context", required=True)
    parser.add_argument("--multicast")
    parser.add_argument("--bind", default="::")
    parser.add_argument("--port", type=int)
    given = parser.parse_args()
    site = resource.Site()
    site.add_resource(["hello"], Hello())
    site.add_resource(["store"], Store())
    site.add_resource(["count"], Count())
    site.add_resource(["l"], Light())
    credentials = CredentialsMap()
    credentials[":peer"] = contexts.load(given.context)
    groups = [tuple(given.multicast.split("%"))] if given.multicast else []
    await aiocoap.Context.create_server_context(
        OscoreSiteWrapper(site, credentials), bind=(given.bind, given.port), multicast=groups
    )
    print("listening", flush=True)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
