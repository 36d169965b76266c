"""A service that passes a question on along a route, traced by LangSmith's Python SDK.

    service.py        prints its address, and serves until it is killed

    POST /ask         answers {"answer": ...}
    POST /recite      answers with the words of the question, a line each, as a stream
    POST /flush       answers when all runs have been sent

Both take {"question", "route", "fails", "root"}: the services that are still to be asked, whether the last one fails,
and, for the first one, the `tags`, `metadata` and `project_name` of the trace.
"""

import asyncio
import socket

import httpx2 as httpx
import uvicorn
from langsmith import get_current_run_tree, traceable
from langsmith.middleware import TracingMiddleware
from langsmith.run_trees import get_cached_client
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

http = httpx.AsyncClient(trust_env=False, timeout=60)


def onward(path, question, route, fails):
    """A request to the next service, under the run that is open here."""
    body = {"question": question, "route": route[1:], "fails": fails}
    return http.stream("POST", f"{route[0]}{path}", json=body, headers=get_current_run_tree().to_headers())


@traceable(name="python ask", run_type="tool")
async def ask(question, route, fails):
    if not route:
        if fails:
            raise ValueError("nobody knows")
        return {"answer": f"{question} 42"}
    async with onward("/ask", question, route, fails) as response:
        words = await response.aread()
        if response.is_error:
            raise RuntimeError(words.decode())
        return response.json()


@traceable(name="python recite")
async def recite(question, route, fails):
    if not route:
        for word in question.split():
            yield word
        if fails:
            raise ValueError("the thread is lost")
        return
    async with onward("/recite", question, route, fails) as response:
        async for line in response.aiter_lines():
            yield line


async def asked(request):
    order = await request.json()
    root = order.pop("root", None)
    try:
        return JSONResponse(await ask(**order, langsmith_extra=root or {}))
    except Exception as error:
        return PlainTextResponse(str(error), status_code=500)


async def recited(request):
    order = await request.json()
    root = order.pop("root", None)
    words = recite(**order, langsmith_extra=root or {})
    return StreamingResponse(f"{word}\n" async for word in words)


async def flush(_):
    await asyncio.to_thread(get_cached_client().flush)
    return PlainTextResponse("flushed")


def main():
    routes = [("/ask", asked), ("/recite", recited), ("/flush", flush)]
    app = TracingMiddleware(Starlette(routes=[Route(path, answer, methods=["POST"]) for path, answer in routes]))
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listener])


main()
