#!/usr/bin/env python3
"""Loopback fault proxy for testing a client (exporter, RemoteRunnable) against a bad network or server.

    chaos_proxy.py --upstream 127.0.0.1:PORT [--listen PORT] [--control PORT] [--mode http|tcp] [--seed N]

prints   proxy 127.0.0.1:P   and   control http://127.0.0.1:C   and then serves until killed.
Only loopback addresses are accepted on either side. Python stdlib only.

Control endpoint (JSON in, JSON out; every change takes effect for the next request/chunk):
    GET  /status               counters, current faults, open connections
    GET  /requests             one record per request seen (time, method, path, bytes, sha256 of the body, what was done)
    GET  /ids                  run ids seen in request bodies that were passed on, with how often (zstd/gzip/plain)
    POST /faults   {...}       replace the faults          POST /add {...}    merge into them
    POST /heal                 no faults                   POST /reset        faults and counters
    POST /schedule [[t, {...}], [t2, {...}]]   replace the faults t seconds from now
    POST /kill                 drop every open connection with a reset
    POST /quit

Faults (all optional; http mode understands all, tcp mode those marked *):
  * down: true               nobody listens (connection refused)
  * refuse: 0.5              accept, then reset at once, with this probability
  * blackhole: true          accept, read, never answer and never close (half-open peer)
  * latency_ms, jitter_ms    delay before each request is passed on and before each answer (tcp: per chunk)
  * up_bps, down_bps         bytes per second
  * corrupt: 0.001           flip one bit in a chunk with this probability
    corrupt_every: 7         flip one bit in the body of every 7th request
  * reset_after_up: n        reset the client after n bytes of a request
  * reset_after_down: n      pass the request on whole, then reset after n bytes of the answer (0: the answer is lost)
  * stall_after_down: n      the same, but go silent instead of resetting
    truncate_down: n         send n bytes of the answer, then close cleanly
    status: 503              answer this instead of passing the request on;
    retry_after: 2 | "date+2"  with Retry-After in seconds or as an HTTP date; body: "text"; headers: {..}
    after_forward: true      pass the request on first, then give the false status (committed, but the client does not know)
    script: [503, 429, 200]  one status per request, in order; 200 (or null) passes on; then healthy
    duplicate: 0.1           send the request upstream twice
    reorder_ms: 300          hold every second request this long (requests overtake each other)
    huge_body_mb: 500        answer 200/status with this much body (client must cap what it reads)
    garbage: true            answer bytes that are not HTTP
    slow_headers_ms: 5000    answer one header byte per this / 100
    endless_headers: true    send header lines for ever
    redirect: "http://127.0.0.1:P/x", redirect_status: 307
    only: "/runs"            apply the http faults only to paths with this prefix
    times: n                 heal by itself after n faulty requests
    ratio: 0.3               apply the http faults to this share of the requests
"""
import argparse, asyncio, email.utils, gzip, hashlib, ipaddress, json, random, re, socket, struct, sys, time, zlib

try:
    import zstandard                          # only for /ids
except ImportError:
    zstandard = None

HTTP_FAULTS = {"status", "script", "truncate_down", "huge_body_mb", "garbage", "slow_headers_ms", "endless_headers",
               "redirect", "duplicate", "reorder_ms", "reset_after_up", "reset_after_down", "stall_after_down", "blackhole"}
KNOWN = HTTP_FAULTS | {"down", "refuse", "latency_ms", "jitter_ms", "up_bps", "down_bps", "corrupt", "corrupt_every", "retry_after", "body", "headers",
                       "after_forward", "redirect_status", "only", "times", "ratio"}
UUID = re.compile(rb'(?:post|patch)\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"')


class Reset(Exception):
    pass


def rst(wr):
    s = wr.get_extra_info("socket")
    try:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    wr.transport.abort()


class Proxy:
    def __init__(self, a):
        self.a, self.f, self.rng = a, {}, random.Random(a.seed)
        self.up = a.upstream
        self.stat = dict(connections=0, requests=0, forwarded=0, faulted=0, bytes_up=0, bytes_down=0, resets=0, upstream_errors=0)
        self.log, self.ids, self.open, self.script_i, self.nreq = [], {}, set(), 0, 0
        self.server = None
        self.timers = []

    # ---- faults
    def set(self, f):
        bad = set(f) - KNOWN
        if bad:
            raise ValueError("unknown fault: " + ", ".join(sorted(bad)))
        self.f, self.script_i = dict(f), 0

    async def pause(self, key="latency_ms"):
        ms = self.f.get(key, 0)
        j = self.f.get("jitter_ms", 0)
        if ms or j:
            await asyncio.sleep(max(0.0, ms + (self.rng.uniform(-j, j) if j else 0)) / 1000)

    def twist(self, b, surely=False):
        if b and (surely or self.rng.random() < self.f.get("corrupt", 0)):
            i = self.rng.randrange(len(b))
            b = b[:i] + bytes([b[i] ^ (1 << self.rng.randrange(8))]) + b[i + 1:]
        return b

    async def send(self, wr, data, bps=None):
        if not bps:
            wr.write(data)
            await wr.drain()
            return
        step = max(1, int(bps / 20))
        for i in range(0, len(data), step):
            wr.write(data[i:i + step])
            await wr.drain()
            await asyncio.sleep(0.05)

    # ---- listening
    async def listen(self):
        self.server = await asyncio.start_server(self.client, "127.0.0.1", self.a.listen, backlog=512)
        self.a.listen = self.server.sockets[0].getsockname()[1]

    async def watch_down(self):
        while True:
            down = bool(self.f.get("down"))
            if down and self.server:
                self.server.close()
                self.server = None
                for w in list(self.open):
                    rst(w)
            elif not down and not self.server:
                try:
                    await self.listen()
                except OSError:
                    pass
            await asyncio.sleep(0.02)

    async def client(self, rd, wr):
        self.stat["connections"] += 1
        self.open.add(wr)
        try:
            if self.rng.random() < self.f.get("refuse", 0):
                raise Reset
            await (self.http(rd, wr) if self.a.mode == "http" else self.tcp(rd, wr))
        except Reset:
            self.stat["resets"] += 1
            rst(wr)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            self.open.discard(wr)
            try:
                wr.close()
            except Exception:
                pass

    # ---- tcp
    async def tcp(self, rd, wr):
        if self.f.get("blackhole"):
            while await rd.read(65536):
                pass
            await asyncio.sleep(3600)
        urd, uwr = await asyncio.open_connection(*self.up)
        self.open.add(uwr)

        async def pump(src, dst, way):
            n = 0
            while True:
                b = await src.read(65536)
                if not b:
                    if dst.can_write_eof():
                        dst.write_eof()
                    return
                await self.pause()
                b = self.twist(b)
                lim = self.f.get("reset_after_" + way)
                if lim is not None and n + len(b) >= lim:
                    await self.send(dst, b[:max(0, lim - n)])
                    raise Reset
                lim = self.f.get("stall_after_down") if way == "down" else None
                if lim is not None and n + len(b) >= lim:
                    await asyncio.sleep(3600)
                n += len(b)
                self.stat["bytes_" + way] += len(b)
                await self.send(dst, b, self.f.get(way + "_bps"))
        ts = [asyncio.ensure_future(pump(rd, uwr, "up")), asyncio.ensure_future(pump(urd, wr, "down"))]
        try:
            done, _ = await asyncio.wait(ts, return_when=asyncio.FIRST_EXCEPTION)
            for t in done:
                if t.exception():
                    raise t.exception()
        finally:
            for t in ts:
                t.cancel()
            self.open.discard(uwr)
            uwr.close()

    # ---- http
    async def read_head(self, rd):
        try:
            return await rd.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as e:
            if e.partial:
                raise ConnectionError
            return b""

    @staticmethod
    def headers(head):
        lines = head.split(b"\r\n")
        h = {}
        for ln in lines[1:]:
            k, _, v = ln.partition(b":")
            if k:
                h[k.strip().lower().decode("latin-1")] = v.strip().decode("latin-1")
        return lines[0].decode("latin-1"), h

    async def read_body(self, rd, h, is_resp=False, limit=None, status=200):
        """Returns the body as it should be passed on, de-chunked."""
        out = bytearray()
        bps = self.f.get("up_bps")

        async def take(n):
            while n > 0:
                b = await rd.read(min(n, max(1, int(bps / 20)) if bps and not is_resp else 65536))
                if not b:
                    raise ConnectionError("body cut")
                out.extend(b)
                n -= len(b)
                if limit is not None and len(out) >= limit:
                    raise Reset
                if bps and not is_resp:
                    await asyncio.sleep(0.05)
        if "chunked" in h.get("transfer-encoding", "").lower():
            while True:
                line = await rd.readuntil(b"\r\n")
                n = int(line.split(b";")[0], 16)
                await take(n)
                await rd.readexactly(2)
                if n == 0:
                    return bytes(out)
        if "content-length" in h:
            await take(int(h["content-length"]))
            return bytes(out)
        if is_resp and status not in (204, 304):
            while True:
                b = await rd.read(65536)
                if not b:
                    return bytes(out)
                out += b
        return bytes(out)

    def note_ids(self, h, body):
        try:
            e = h.get("content-encoding", "").lower()
            if e == "zstd" and zstandard:
                body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
            elif e == "gzip":
                body = gzip.decompress(body)
        except Exception:
            return
        got = set(UUID.findall(body))
        if h.get("content-type", "").startswith("application/json"):
            try:
                j = json.loads(body)
                for r in [j] + (j.get("post") or []) + (j.get("patch") or []):
                    if isinstance(r, dict) and isinstance(r.get("id"), str):
                        got.add(r["id"].lower().encode())
            except Exception:
                pass
        for i in got:
            k = i.decode()
            self.ids[k] = self.ids.get(k, 0) + 1

    async def forward(self, line, h, body):
        rd, wr = await asyncio.wait_for(asyncio.open_connection(*self.up), 5)
        try:
            head = line + "\r\n"
            for k, v in h.items():
                if k not in ("transfer-encoding", "connection", "content-length", "expect"):
                    head += f"{k}: {v}\r\n"
            head += f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            wr.write(head.encode("latin-1") + body)
            await wr.drain()
            while True:
                rh = await self.read_head(rd)
                if not rh:
                    raise ConnectionError("no answer")
                first, rhd = self.headers(rh)
                st = int(first.split(" ")[1])
                if st >= 200:
                    break
            rb = await self.read_body(rd, rhd, True, status=st)
            self.stat["forwarded"] += 1
            self.stat["bytes_up"] += len(body)
            self.stat["bytes_down"] += len(rb)
            self.note_ids(h, body)
            return st, first, rhd, rb
        finally:
            wr.close()

    def faulty(self, path):
        f = self.f
        if not f or (f.get("only") and not path.startswith(f["only"])):
            return {}
        if "ratio" in f and self.rng.random() >= f["ratio"]:
            return {k: v for k, v in f.items() if k not in HTTP_FAULTS}
        if "times" in f:
            if f["times"] <= 0:
                return {k: v for k, v in f.items() if k not in HTTP_FAULTS}
            if HTTP_FAULTS & set(f):
                f["times"] -= 1
        return dict(f)

    def canned(self, st, f):
        body = f.get("body", json.dumps({"detail": f"injected {st}"})).encode()
        h = f"HTTP/1.1 {st} Injected\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        ra = f.get("retry_after")
        if ra is not None:
            if isinstance(ra, str) and ra.startswith("date+"):
                ra = email.utils.formatdate(time.time() + float(ra[5:]), usegmt=True)
            h += f"retry-after: {ra}\r\n"
        for k, v in (f.get("headers") or {}).items():
            h += f"{k}: {v}\r\n"
        return (h + "\r\n").encode() + body

    async def http(self, rd, wr):
        while True:
            head = await self.read_head(rd)
            if not head:
                return
            line, h = self.headers(head)
            method, path = (line.split(" ") + ["", ""])[:2]
            f = self.faulty(path)
            self.stat["requests"] += 1
            self.nreq += 1
            mine = self.nreq
            rec = dict(t=round(time.time(), 4), method=method, path=path, api_key=bool(h.get("x-api-key") or h.get("authorization")))
            self.log.append(rec)
            del self.log[:-20000]
            if h.get("expect", "").lower() == "100-continue":
                wr.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            rec["done"] = "reset in the request" if "reset_after_up" in f else "?"
            body = await self.read_body(rd, h, limit=f.get("reset_after_up"))
            rec.update(bytes=len(body), sha256=hashlib.sha256(body).hexdigest()[:16], done="forwarded")
            if f.get("blackhole"):
                rec["done"] = "blackhole"
                self.stat["faulted"] += 1
                await asyncio.sleep(3600)
            await self.pause()
            if f.get("reorder_ms") and mine % 2:
                await asyncio.sleep(f["reorder_ms"] / 1000)
            st = f.get("status")
            if "script" in f:
                i = self.script_i
                self.script_i += 1
                st = f["script"][i] if i < len(f["script"]) else None
                st = None if st == 200 else st
            resp = None
            if st is None or f.get("after_forward"):
                try:
                    for _ in range(2 if self.rng.random() < f.get("duplicate", 0) else 1):
                        ust, first, rhd, rb = await self.forward(line, h, self.twist(body, mine % f.get("corrupt_every", mine + 1) == 0))
                    rec["upstream"] = ust
                    keep = "".join(f"{k}: {v}\r\n" for k, v in rhd.items() if k not in ("transfer-encoding", "connection", "content-length"))
                    resp = (f"{first}\r\n{keep}content-length: {len(rb)}\r\n\r\n").encode("latin-1") + rb
                except (ConnectionError, OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                    self.stat["upstream_errors"] += 1
                    rec["done"] = "upstream failed"
                    resp = self.canned(502, {})
            if st is not None:
                resp = self.canned(st, f)
                rec["done"] = f"status {st}" + (" after forwarding" if f.get("after_forward") else "")
            if "redirect" in f:
                resp = self.canned(f.get("redirect_status", 307), {"headers": {"location": f["redirect"]}, "body": ""})
                rec["done"] = "redirect"
            if rec["done"] != "forwarded":
                self.stat["faulted"] += 1
            resp = self.twist(resp)
            if f.get("garbage"):
                resp, rec["done"] = b"\x00\x01not http at all\r\n\r\n" * 50, "garbage"
            if "huge_body_mb" in f:
                rec["done"] = "huge body"
                wr.write(b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\n\r\n" % (st or 200))
                for _ in range(int(f["huge_body_mb"])):
                    await self.send(wr, b"x" * (1 << 20))
                return
            if f.get("endless_headers"):
                rec["done"] = "endless headers"
                wr.write(b"HTTP/1.1 200 OK\r\n")
                while True:
                    await self.send(wr, b"x-filler: " + b"y" * 1000 + b"\r\n")
            if f.get("slow_headers_ms"):
                rec["done"] = "slow headers"
                for b in resp:
                    wr.write(bytes([b]))
                    await wr.drain()
                    await asyncio.sleep(f["slow_headers_ms"] / 100000)
                continue
            if "truncate_down" in f:
                rec["done"] = "truncated"
                await self.send(wr, resp[:f["truncate_down"]])
                return
            for k, what in (("reset_after_down", "answer lost"), ("stall_after_down", "answer stalled")):
                if k in f:
                    rec["done"] = what
                    self.stat["faulted"] += 1
                    await self.send(wr, resp[:f[k]])
                    if k[0] == "r":
                        raise Reset
                    await asyncio.sleep(3600)
            if f.get("latency_ms"):
                await self.pause()
            await self.send(wr, resp, f.get("down_bps"))
            if h.get("connection", "").lower() == "close":
                return

    # ---- control
    async def control(self, rd, wr):
        try:
            head = await self.read_head(rd)
            line, h = self.headers(head)
            method, path = line.split(" ")[:2]
            body = await rd.readexactly(int(h.get("content-length", 0)))
            j = json.loads(body) if body else {}
            out = {"ok": True}
            if path == "/status":
                out = dict(self.stat, faults=self.f, open=len(self.open), mode=self.a.mode, listen=self.a.listen)
            elif path == "/requests":
                out = self.log
            elif path == "/ids":
                out = self.ids
            elif path == "/faults":
                self.set(j)
            elif path == "/add":
                self.set({**self.f, **j})
            elif path in ("/heal", "/reset"):
                self.set({})
                for t in self.timers:
                    t.cancel()
                if path == "/reset":
                    self.stat = {k: 0 for k in self.stat}
                    self.log, self.ids, self.nreq = [], {}, 0
            elif path == "/schedule":
                loop = asyncio.get_running_loop()
                for t, f in j:
                    if set(f) - KNOWN:
                        raise ValueError("unknown fault")
                    self.timers.append(loop.call_later(float(t), self.set, f))
            elif path == "/kill":
                n = len(self.open)
                for w in list(self.open):
                    rst(w)
                out = {"killed": n}
            elif path == "/quit":
                asyncio.get_running_loop().call_later(0.1, asyncio.get_running_loop().stop)
            else:
                raise KeyError(path)
            st, b = 200, json.dumps(out).encode()
        except (ValueError, KeyError, TypeError) as e:
            st, b = 400, json.dumps({"error": str(e)}).encode()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        wr.write(f"HTTP/1.1 {st} X\r\ncontent-type: application/json\r\ncontent-length: {len(b)}\r\nconnection: close\r\n\r\n".encode() + b)
        try:
            await wr.drain()
            wr.close()
        except ConnectionError:
            pass


async def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--upstream", required=True)
    ap.add_argument("--listen", type=int, default=0)
    ap.add_argument("--control", type=int, default=0)
    ap.add_argument("--mode", choices=("http", "tcp"), default="http")
    ap.add_argument("--seed", type=int, default=7)
    ap.add_argument("--faults", default="{}", help="JSON, in force from the start")
    a = ap.parse_args()
    host, _, port = a.upstream.rpartition(":")
    if not ipaddress.ip_address(socket.gethostbyname(host or "127.0.0.1")).is_loopback:
        sys.exit("chaos_proxy.py: only loopback upstreams are accepted")
    a.upstream = (host or "127.0.0.1", int(port))
    p = Proxy(a)
    p.set(json.loads(a.faults))
    await p.listen()
    c = await asyncio.start_server(p.control, "127.0.0.1", a.control)
    print(f"proxy 127.0.0.1:{a.listen}", flush=True)
    print(f"control http://127.0.0.1:{c.sockets[0].getsockname()[1]}", flush=True)
    w = asyncio.ensure_future(p.watch_down())
    async with c:
        await asyncio.gather(c.serve_forever(), w)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (KeyboardInterrupt, RuntimeError):
        pass
