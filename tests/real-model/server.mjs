// A small OpenAI-compatible front for a local GGUF model, for end-to-end tests.
//
// Answers: GET /health, GET /v1/models, POST /v1/chat/completions (JSON and SSE),
//          GET /api/tags, GET /api/version, POST /api/chat (Ollama-style JSON and NDJSON).
//
//   node server.mjs --model FILE.gguf [--port 0] [--id NAME] [--port-file FILE]
//
// Tools: with `tool_choice` naming a function (or "required" and one tool) the arguments are generated
// under that tool's JSON schema and come back as a tool call. With "auto" this small model answers in text.
//
// When EXPECTED_API_KEY is set, every path but /health wants `Authorization: Bearer <that key>`.
// `--port 0` takes a free port. The port is printed and, with --port-file, written to that file.

import http from "node:http";
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { renameSync, writeFileSync } from "node:fs";
import { getLlama, JinjaTemplateChatWrapper, LlamaChatSession, resolveChatWrapper } from "node-llama-cpp";

const { values: opt } = parseArgs({
  options: {
    model: { type: "string" },
    port: { type: "string", default: "0" },
    id: { type: "string", default: "smollm2-135m-instruct" },
    "port-file": { type: "string" },
    context: { type: "string", default: "2048" },
    slots: { type: "string", default: "2" },
    "exit-with-parent": { type: "boolean", default: false },
  },
});
if (!opt.model) {
  console.error("usage: node server.mjs --model FILE.gguf [--port N] [--id NAME] [--port-file FILE]");
  process.exit(2);
}

const MODEL_ID = opt.id;
const CONTEXT = Number(opt.context);
const SLOTS = Number(opt.slots);
const MAX_BODY = 1 << 20;
const EXPECTED_KEY = process.env.EXPECTED_API_KEY || "";
const startedAt = Math.floor(Date.now() / 1000);

// ------------------------------------------------------------------ the model

// One thread on purpose: the compute threads of llama.cpp spin at barriers, which is
// ruinous on a machine shared with other work.
const llama = await getLlama({ build: "never", gpu: false, maxThreads: 1, logLevel: "error" });
const model = await llama.loadModel({ modelPath: opt.model });
const context = await model.createContext({ contextSize: CONTEXT, sequences: SLOTS, threads: 1 });

// Use the template inside the model file. The wrapper that would be guessed for this model puts a
// begin-of-text token before a prompt that already starts with one, and the answers turn to rubbish.
const template = model.fileInfo.metadata?.tokenizer?.chat_template;
const chatWrapper = () => (template ? new JinjaTemplateChatWrapper({ template }) : resolveChatWrapper(model));

const idle = Array.from({ length: SLOTS }, () => context.getSequence());
const waiting = [];

/** Takes a free sequence, or waits for one. Resolves to null if the caller went away meanwhile. */
function takeSlot(signal) {
  if (idle.length) return Promise.resolve(idle.pop());
  return new Promise((resolve) => {
    const entry = { resolve };
    waiting.push(entry);
    signal.addEventListener("abort", () => {
      const at = waiting.indexOf(entry);
      if (at >= 0) {
        waiting.splice(at, 1);
        resolve(null);
      }
    }, { once: true });
  });
}

function giveBack(sequence) {
  const next = waiting.shift();
  if (next) next.resolve(sequence);
  else idle.push(sequence);
}

/** A request this server understands and refuses. */
class Refused extends Error {
  constructor(status, type, code, message, param = null) {
    super(message);
    Object.assign(this, { status, type, code, param });
  }
}
const bad = (message, param) => new Refused(400, "invalid_request_error", null, message, param);

/** OpenAI message content is a string or a list of parts; this model reads only text. */
function textOf(content, where) {
  if (typeof content === "string") return content;
  if (content == null) return "";
  if (!Array.isArray(content)) throw bad("content must be a string or a list of parts", where);
  return content.map((part) => {
    if (part?.type !== "text") throw bad(`this model takes text parts only, not '${part?.type}'`, where);
    return part.text ?? "";
  }).join("");
}

/** Splits OpenAI messages into a history and the prompt to answer. */
function conversation(messages) {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw bad("'messages' must be a non-empty list", "messages");
  }
  const history = [];
  let prompt = null;
  messages.forEach((m, i) => {
    const where = `messages[${i}].content`;
    const text = textOf(m?.content, where);
    if (m?.role === "system" || m?.role === "developer") history.push({ type: "system", text });
    else if (m?.role === "assistant") history.push({ type: "model", response: [text] });
    else if (m?.role === "user" || m?.role === "tool") {
      if (i === messages.length - 1) prompt = text;
      else history.push({ type: "user", text });
    } else throw bad(`unknown role '${m?.role}'`, `messages[${i}].role`);
  });
  if (prompt === null) throw bad("the last message must come from the user", "messages");
  const texts = [...history.map((h) => h.text ?? h.response[0]), prompt];
  const tokens = texts.reduce((sum, text) => sum + model.tokenize(text).length + 5, 0);
  if (tokens >= CONTEXT) {
    throw new Refused(400, "invalid_request_error", "context_length_exceeded",
      `This model takes ${CONTEXT} tokens, the messages are about ${tokens}.`, "messages");
  }
  return { history, prompt };
}

function number(value, name, low, high, fallback) {
  if (value == null) return fallback;
  if (typeof value !== "number" || !(value >= low && value <= high)) {
    throw bad(`'${name}' must be a number from ${low} to ${high}`, name);
  }
  return value;
}

/**
 * Generates an answer. Resolves to { text, finish, promptTokens, completionTokens }, or to null
 * when the caller hung up. `onText` gets each piece of text as it is made.
 */
async function generate({ messages, limit, temperature, topP, seed, stop, schema }, signal, onText) {
  const { history, prompt } = conversation(messages);
  const sequence = await takeSlot(signal);
  if (!sequence) return null;
  let session;
  try {
    await sequence.clearHistory();
    session = new LlamaChatSession({ contextSequence: sequence, chatWrapper: chatWrapper(), autoDisposeSequence: false });
    session.setChatHistory(history);
    const wanted = schema ? await llama.createGrammarForJsonSchema(schema) : undefined;
    const before = sequence.tokenMeter.getState();
    let text = "";
    const done = await session.promptWithMeta(prompt, {
      signal,
      stopOnAbortSignal: true,
      maxTokens: Math.max(1, limit),
      temperature,
      topP,
      seed,
      grammar: wanted,
      customStopTriggers: stop,
      onTextChunk: (piece) => {
        if (!piece) return; // the last call may carry nothing
        text += piece;
        onText?.(piece);
      },
    });
    if (signal.aborted) return null;
    const used = sequence.tokenMeter.diff(before);
    return {
      text,
      finish: done.stopReason === "maxTokens" ? "length" : "stop",
      promptTokens: used.usedInputTokens,
      completionTokens: used.usedOutputTokens,
    };
  } finally {
    session?.dispose({ disposeSequence: false });
    giveBack(sequence);
  }
}

// ------------------------------------------------------------------ HTTP helpers

function sendJson(res, status, body, headers = {}) {
  const text = JSON.stringify(body);
  res.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text), ...headers });
  res.end(text);
}

async function readJson(req) {
  const parts = [];
  let size = 0;
  for await (const part of req) {
    size += part.length;
    if (size > MAX_BODY) throw new Refused(413, "invalid_request_error", null, "the request body is too large");
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch (e) {
    throw bad(`the request body is not JSON: ${e.message}`);
  }
}

function wantModel(name) {
  if (typeof name !== "string") throw bad("'model' is required", "model");
  // Ollama clients may add the default tag.
  if (name !== MODEL_ID && name !== `${MODEL_ID}:latest`) {
    throw new Refused(404, "invalid_request_error", "model_not_found", `The model '${name}' does not exist.`, "model");
  }
}

/** A signal that fires when the client hangs up before the answer is complete. */
function hangUp(res) {
  const gone = new AbortController();
  res.on("close", () => {
    if (!res.writableFinished) {
      console.log("client hung up, generation stopped");
      gone.abort();
    }
  });
  return gone.signal;
}

// ------------------------------------------------------------------ OpenAI-style chat

function openAiOptions(body) {
  const stop = body.stop == null ? undefined : [].concat(body.stop);
  if (stop?.some((s) => typeof s !== "string")) throw bad("'stop' must be a string or a list of strings", "stop");
  let schema;
  const format = body.response_format;
  if (format?.type === "json_schema") {
    schema = format.json_schema?.schema;
    if (typeof schema !== "object") throw bad("a schema is required", "response_format.json_schema.schema");
  } else if (format && format.type !== "text") {
    throw bad(`response format '${format.type}' is not supported`, "response_format.type");
  }
  if (body.n != null && body.n !== 1) throw bad("only n = 1 is supported", "n");
  const tool = forcedTool(body);
  if (tool) schema = tool.parameters ?? { type: "object", properties: {} };
  return {
    messages: body.messages,
    limit: number(body.max_completion_tokens ?? body.max_tokens, "max_tokens", 1, CONTEXT, 256),
    temperature: number(body.temperature, "temperature", 0, 2, 0),
    topP: number(body.top_p, "top_p", 0, 1, undefined),
    seed: number(body.seed, "seed", 0, 0xffffffff, undefined),
    stop,
    schema,
    tool,
  };
}

/** The function the caller insists on, if any. */
function forcedTool({ tools, tool_choice: choice }) {
  if (!choice || choice === "auto" || choice === "none") return undefined;
  const known = (tools ?? []).map((t) => t?.function).filter((f) => typeof f?.name === "string");
  if (choice === "required" && known.length === 1) return known[0];
  const named = known.find((f) => f.name === choice?.function?.name);
  if (!named) throw bad("'tool_choice' must name one of 'tools'", "tool_choice");
  return named;
}

async function openAiChat(req, res) {
  const body = await readJson(req);
  wantModel(body.model);
  const options = openAiOptions(body);
  conversation(options.messages); // refuse a bad conversation before an answer begins
  const signal = hangUp(res);
  const common = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: MODEL_ID };
  const usageOf = (r) => ({
    prompt_tokens: r.promptTokens,
    completion_tokens: r.completionTokens,
    total_tokens: r.promptTokens + r.completionTokens,
  });
  const { tool } = options;
  const callId = `call_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
  const finishOf = (r) => (tool && r.finish === "stop" ? "tool_calls" : r.finish);

  if (!body.stream) {
    const r = await generate(options, signal);
    if (!r) return;
    const message = tool
      ? { role: "assistant", content: null, tool_calls: [{ id: callId, type: "function", function: { name: tool.name, arguments: r.text } }] }
      : { role: "assistant", content: r.text, refusal: null };
    sendJson(res, 200, {
      ...common,
      object: "chat.completion",
      choices: [{ index: 0, message, logprobs: null, finish_reason: finishOf(r) }],
      usage: usageOf(r),
    });
    return;
  }

  const withUsage = body.stream_options?.include_usage === true;
  const event = (payload) => res.write(`data: ${typeof payload === "string" ? payload : JSON.stringify(payload)}\n\n`);
  const chunk = (delta, finish = null) => ({
    ...common,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(withUsage ? { usage: null } : {}),
  });
  res.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  event(chunk(tool
    ? { role: "assistant", content: null, tool_calls: [{ index: 0, id: callId, type: "function", function: { name: tool.name, arguments: "" } }] }
    : { role: "assistant", content: "" }));
  const delta = (piece) => (tool ? { tool_calls: [{ index: 0, function: { arguments: piece } }] } : { content: piece });
  let r;
  try {
    r = await generate(options, signal, (piece) => event(chunk(delta(piece))));
  } catch (e) {
    // The status line is gone already, so the error travels as an event.
    console.error(e);
    event({ error: { message: "the model failed while answering", type: "server_error", param: null, code: null } });
    res.end();
    return;
  }
  if (!r) return;
  event(chunk({}, finishOf(r)));
  if (withUsage) event({ ...common, object: "chat.completion.chunk", choices: [], usage: usageOf(r) });
  event("[DONE]");
  res.end();
}

// ------------------------------------------------------------------ Ollama-style chat

async function ollamaChat(req, res) {
  const body = await readJson(req);
  wantModel(body.model);
  const o = body.options ?? {};
  const options = {
    messages: body.messages,
    limit: number(o.num_predict, "num_predict", 1, CONTEXT, 256),
    temperature: number(o.temperature, "temperature", 0, 2, 0),
    topP: number(o.top_p, "top_p", 0, 1, undefined),
    seed: number(o.seed, "seed", 0, 0xffffffff, undefined),
    stop: o.stop,
    schema: typeof body.format === "object" ? body.format : undefined,
  };
  conversation(options.messages);
  const signal = hangUp(res);
  const t0 = process.hrtime.bigint();
  const stamp = () => ({ model: MODEL_ID, created_at: new Date().toISOString() });
  const last = (r) => ({
    done: true,
    done_reason: r.finish,
    total_duration: Number(process.hrtime.bigint() - t0),
    prompt_eval_count: r.promptTokens,
    eval_count: r.completionTokens,
  });
  if (body.stream === false) {
    const r = await generate(options, signal);
    if (r) sendJson(res, 200, { ...stamp(), message: { role: "assistant", content: r.text }, ...last(r) });
    return;
  }
  res.writeHead(200, { "content-type": "application/x-ndjson" });
  const line = (x) => res.write(JSON.stringify(x) + "\n");
  let r;
  try {
    r = await generate(options, signal, (piece) =>
      line({ ...stamp(), message: { role: "assistant", content: piece }, done: false }));
  } catch (e) {
    console.error(e);
    line({ error: "the model failed while answering" });
    res.end();
    return;
  }
  if (!r) return;
  line({ ...stamp(), message: { role: "assistant", content: "" }, ...last(r) });
  res.end();
}

// ------------------------------------------------------------------ routes

const described = { id: MODEL_ID, object: "model", created: startedAt, owned_by: "local" };

async function route(req, res) {
  const path = new URL(req.url, "http://localhost").pathname.replace(/\/+$/, "") || "/";
  if (req.method === "GET" && path === "/health") return sendJson(res, 200, { status: "ok" });
  if (EXPECTED_KEY && req.headers.authorization !== `Bearer ${EXPECTED_KEY}`) {
    throw new Refused(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided.");
  }
  switch (`${req.method} ${path}`) {
    case "GET /v1/models": return sendJson(res, 200, { object: "list", data: [described] });
    case `GET /v1/models/${MODEL_ID}`: return sendJson(res, 200, described);
    case "POST /v1/chat/completions": return openAiChat(req, res);
    case "GET /api/version": return sendJson(res, 200, { version: "0.0.0-runtree" });
    case "GET /api/tags": return sendJson(res, 200, { models: [{ name: `${MODEL_ID}:latest`, model: `${MODEL_ID}:latest` }] });
    case "POST /api/chat": return ollamaChat(req, res);
    default: throw new Refused(404, "invalid_request_error", "not_found", `No such path: ${req.method} ${path}`);
  }
}

const server = http.createServer((req, res) => {
  route(req, res).catch((e) => {
    const known = e instanceof Refused;
    if (!known) console.error(e);
    if (res.headersSent) return res.end();
    const status = known ? e.status : 500;
    const message = known ? e.message : "internal error";
    // The two dialects differ in the shape of an error, too.
    const body = req.url.startsWith("/api/")
      ? { error: message }
      : { error: { message, type: known ? e.type : "server_error", param: e.param ?? null, code: e.code ?? null } };
    sendJson(res, status, body);
  });
});

server.listen(Number(opt.port), "127.0.0.1", () => {
  const { port } = server.address();
  console.log(`listening on 127.0.0.1:${port}, model ${MODEL_ID}`);
  if (opt["port-file"]) {
    writeFileSync(`${opt["port-file"]}.new`, String(port));
    renameSync(`${opt["port-file"]}.new`, opt["port-file"]); // readers never see half a number
  }
});

for (const name of ["SIGINT", "SIGTERM"]) {
  process.on(name, () => {
    server.closeAllConnections();
    server.close(() => process.exit(0));
  });
}

// Do not outlive the script that started us, however it ended.
if (opt["exit-with-parent"]) {
  const parent = process.ppid;
  setInterval(() => { if (process.ppid !== parent) process.exit(0); }, 500).unref();
}
