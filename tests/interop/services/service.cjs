// The service of `service.py`, traced by LangSmith's JavaScript SDK.
//
//     NODE_PATH=.../node_modules node service.cjs

const { createServer } = require("node:http");
const { pipeline } = require("node:stream/promises");
const { Client } = require("langsmith");
const { RunTree } = require("langsmith/run_trees");
const { getCurrentRunTree, traceable, withRunTree } = require("langsmith/traceable");

const client = new Client();

// A request to the next service, under the run that is open here.
function onward(path, { question, route: [next, ...route], fails }) {
  const headers = { "content-type": "application/json", ...getCurrentRunTree().toHeaders() };
  return fetch(next + path, { method: "POST", headers, body: JSON.stringify({ question, route, fails }) });
}

async function ask(order) {
  if (order.route.length === 0) {
    if (order.fails) throw new Error("nobody knows");
    return { answer: `${order.question} 42` };
  }
  const response = await onward("/ask", order);
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

async function* recite(order) {
  if (order.route.length === 0) {
    yield* order.question.split(" ");
    if (order.fails) throw new Error("the thread is lost");
    return;
  }
  const response = await onward("/recite", order);
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    yield* lines;
  }
}

const traced = (body, run_type, root) => traceable(body, { name: `node ${body.name}`, run_type, client, ...root });

async function answer(path, { root, ...order }, response) {
  if (path === "/ask") {
    const answer = JSON.stringify(await traced(ask, "tool", root)(order));
    response.setHeader("content-type", "application/json").end(answer);
  } else if (path === "/recite") {
    const words = await traced(recite, "chain", root)(order);
    await pipeline(async function* () { for await (const word of words) yield `${word}\n`; }, response);
  } else {
    await client.awaitPendingTraceBatches();
    response.end("flushed");
  }
}

const server = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  const parent = RunTree.fromHeaders(request.headers, { client });
  const serve = () => answer(request.url, JSON.parse(body || "{}"), response);
  try {
    await (parent ? withRunTree(parent, serve) : serve());
  } catch (error) {
    if (response.headersSent) response.destroy();
    else response.writeHead(500).end(error.message);
  }
});
// A connection that waits is not closed just as the next request comes.
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
