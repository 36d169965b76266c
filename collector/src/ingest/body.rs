//! A request's body, collected and unpacked under limits.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::Unread;
use crate::limits;

/// Bytes of a packed body from which on it is unpacked on a thread of its own.
const LARGE: usize = 256 << 10;

/// Bytes by which a body grows in memory.
const STEP: usize = 64 << 10;

/// How much of a body is taken, and how slowly it may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Bytes as they come over the wire.
    pub wire: usize,
    /// Bytes once unpacked.
    pub unpacked: usize,
    /// How long it may take in all.
    pub time: Duration,
    /// How long it may come slower than `pace`.
    pub grace: Duration,
    /// Bytes that must come in a second.
    pub pace: usize,
}

impl Default for Caps {
    /// Those of requests that bring runs.
    fn default() -> Self {
        Self {
            wire: limits::WIRE_BODY,
            unpacked: limits::UNPACKED_BODY,
            time: limits::BODY_TIME,
            grace: limits::BODY_GRACE,
            pace: limits::BODY_PACE,
        }
    }
}

impl Caps {
    /// The same, for bodies that are no runs.
    #[must_use]
    pub fn small(self) -> Self {
        let wire = self.wire.min(limits::SMALL_BODY);
        Self { wire, unpacked: self.unpacked.min(limits::SMALL_BODY), ..self }
    }
}

/// The room that all bodies share while they are read and stored.
#[derive(Clone, Debug)]
pub struct Room(Arc<Semaphore>);

impl Room {
    /// Room for so many bytes.
    pub fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes >> 10)))
    }

    /// Takes some of it, if there is some left.
    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Unread> {
        let kibibytes = u32::try_from(bytes >> 10).map_err(|_| Unread::NoRoom)?;
        self.0.clone().try_acquire_many_owned(kibibytes).map_err(|_| Unread::NoRoom)
    }
}

/// A body, and the room that it takes until it is dropped.
#[derive(Debug)]
pub struct Taken {
    /// The body, unpacked.
    pub body: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Collects a body and unpacks it, as its headers say.
///
/// # Errors
///
/// If it is larger or slower than `caps`, breaks off, is not packed as its headers say, or there is no room for it.
pub async fn collect<B>(headers: &HeaderMap, body: B, caps: &Caps, room: &Room) -> Result<Taken, Unread>
where
    B: Body<Data = Bytes> + Unpin,
{
    let packing = Packing::of(headers)?;
    let wire = read(body, caps, room).await?;
    let (Some(packing), caps, room) = (packing, *caps, room.clone()) else { return Ok(wire) };
    if wire.body.len() <= LARGE {
        return packing.unpack(&wire.body, &caps, &room);
    }
    let unpacked = tokio::task::spawn_blocking(move || packing.unpack(&wire.body, &caps, &room)).await;
    unpacked.unwrap_or_else(|_| Err(Unread::Malformed("the body could not be unpacked".to_owned())))
}

/// Reads a body to its end. What is only somewhat too large is read and thrown away, for a sender that has not finished
/// sending does not hear the answer.
async fn read<B: Body<Data = Bytes> + Unpin>(mut body: B, caps: &Caps, room: &Room) -> Result<Taken, Unread> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let heard = caps.wire.saturating_mul(4);
    if declared > heard {
        return Err(too_large(caps.wire));
    }
    let began = Instant::now();
    let (mut wire, mut count) = (Vec::with_capacity(declared.min(STEP)), 0_usize);
    let mut taken = room.take(0)?;
    loop {
        let paced = Duration::from_secs((count / caps.pace.max(1)) as u64);
        let deadline = began + caps.grace.max(paced).min(caps.time);
        let Some(frame) = timeout_at(deadline, body.frame()).await.map_err(|_| Unread::TooSlow)? else { break };
        let frame = frame.map_err(|_| Unread::Malformed("the body broke off".to_owned()))?;
        let Ok(data) = frame.into_data() else { continue };
        count = count.saturating_add(data.len());
        if count > heard {
            return Err(too_large(caps.wire));
        }
        if count <= caps.wire && declared <= caps.wire {
            // What is only declared takes no room yet.
            if wire.len() + data.len() > taken.num_permits() << 10 {
                taken.merge(room.take(data.len().max(STEP.min(caps.wire)))?);
            }
            if wire.capacity() - wire.len() < data.len() {
                // Twice as much each time, but no more than was declared.
                let declared = declared.saturating_sub(wire.len());
                wire.reserve_exact(wire.len().min(declared).max(data.len()));
            }
            wire.extend_from_slice(&data);
        } else {
            wire = Vec::new();
        }
    }
    match count > caps.wire {
        true => Err(too_large(caps.wire)),
        false => Ok(Taken { body: wire.into(), _room: taken }),
    }
}

fn too_large(most: usize) -> Unread {
    Unread::TooLarge(format!("the body is larger than {most} bytes"))
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    fn of(headers: &HeaderMap) -> Result<Option<Self>, Unread> {
        let mut told = headers.get_all(CONTENT_ENCODING).iter();
        let word = told.next().map_or(Ok(""), |value| value.to_str()).unwrap_or("?").trim().to_ascii_lowercase();
        match (&word[..], told.next()) {
            ("" | "identity", None) => Ok(None),
            ("gzip" | "x-gzip", None) => Ok(Some(Self::Gzip)),
            ("zstd", None) => Ok(Some(Self::Zstd)),
            _ => Err(Unread::Unsupported("bodies may be packed once, with gzip or zstd".to_owned())),
        }
    }

    fn unpack(self, wire: &[u8], caps: &Caps, room: &Room) -> Result<Taken, Unread> {
        let broken = |error: io::Error| Unread::Malformed(format!("the body is not {self:?}: {error}"));
        match self {
            Self::Gzip => drain(flate2::bufread::MultiGzDecoder::new(wire), wire.len(), caps, room, broken),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(wire).map_err(broken)?;
                decoder.window_log_max(limits::ZSTD_WINDOW_LOG).map_err(broken)?;
                drain(decoder, wire.len(), caps, room, broken)
            }
        }
    }
}

/// Reads to the end, or until it is too much.
fn drain(
    packed: impl Read,
    wire: usize,
    caps: &Caps,
    room: &Room,
    broken: impl Fn(io::Error) -> Unread,
) -> Result<Taken, Unread> {
    let by_ratio = limits::UNPACKED_FREE.saturating_add(wire.saturating_mul(limits::UNPACKED_RATIO));
    let most = caps.unpacked.min(by_ratio);
    let mut unpacked = Vec::with_capacity(wire.saturating_mul(4).min(most));
    let mut taken = room.take(0)?;
    let mut packed = io::BufReader::with_capacity(128 << 10, packed);
    loop {
        let chunk = packed.fill_buf().map_err(&broken)?;
        if chunk.is_empty() {
            return Ok(Taken { body: unpacked.into(), _room: taken });
        }
        if unpacked.len() + chunk.len() > most {
            return Err(Unread::TooLarge(format!("the body unpacks to more than {most} bytes")));
        }
        if unpacked.len() + chunk.len() > taken.num_permits() << 10 {
            taken.merge(room.take(chunk.len().max(STEP))?);
        }
        unpacked.extend_from_slice(chunk);
        let length = chunk.len();
        packed.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use futures::stream;
    use http::HeaderValue;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

    fn room() -> Room {
        Room::of(limits::BODIES)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 1).unwrap()
    }

    async fn got(packing: &[&'static str], wire: Vec<u8>) -> Result<Bytes, u16> {
        let mut headers = HeaderMap::new();
        for word in packing {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(word));
        }
        let taken = collect(&headers, Full::new(Bytes::from(wire)), &Caps::default(), &room()).await;
        taken.map(|taken| taken.body).map_err(|unread| unread.status())
    }

    #[tokio::test]
    async fn bodies_are_unpacked_as_their_headers_say() {
        let empty_frames = [zstd(b""), b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc".to_vec()].concat().repeat(10_000);
        for (packing, wire) in [
            (&[][..], b"hello".to_vec()),
            (&["identity"], b"hello".to_vec()),
            (&["gzip"], gzip(b"hello")),
            (&["GZIP"], [gzip(b"hel"), gzip(b"lo")].concat()),
            (&["zstd"], zstd(b"hello")),
            (&["zstd"], [zstd(b"hel"), zstd(b"lo")].concat()),
            (&["zstd"], [empty_frames, zstd(b"hello")].concat()),
        ] {
            assert_eq!(got(packing, wire).await.as_deref(), Ok(&b"hello"[..]), "{packing:?}");
        }
    }

    #[tokio::test]
    async fn what_is_not_packed_so_is_malformed() {
        let flipped = |mut wire: Vec<u8>| {
            let last = wire.len() - 1;
            wire[last] ^= 1;
            wire
        };
        let checked = || {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
            encoder.include_checksum(true).unwrap();
            encoder.write_all(b"hello").unwrap();
            encoder.finish().unwrap()
        };
        let packed = zstd(b"hello");
        for (packing, wire) in [
            ("gzip", b"hello".to_vec()),
            ("gzip", vec![]),
            ("gzip", gzip(b"hello")[..15].to_vec()),
            ("gzip", flipped(gzip(b"hello"))),
            ("gzip", [gzip(b"hello"), b"garbage".to_vec()].concat()),
            ("zstd", b"hello".to_vec()),
            ("zstd", packed[..packed.len() - 1].to_vec()),
            ("zstd", flipped(checked())),
            ("zstd", [packed.clone(), b"garbage".to_vec()].concat()),
            // A frame that asks for a window of 2 GiB.
            ("zstd", b"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00".to_vec()),
        ] {
            assert_eq!(got(&[packing], wire.clone()).await, Err(400), "{packing} {wire:?}");
        }
        for packing in [&["br"][..], &["gzip, gzip"], &["gzip", "gzip"], &["zstd", "identity"], &["?"]] {
            assert_eq!(got(packing, gzip(b"hello")).await, Err(415), "{packing:?}");
        }
    }

    #[tokio::test]
    async fn bombs_are_too_large_and_an_honest_repetition_is_not() {
        let zeros = vec![0; limits::UNPACKED_BODY + 1];
        assert_eq!(got(&["zstd"], zstd(&zeros)).await, Err(413));
        assert_eq!(got(&["gzip"], gzip(&zeros)).await, Err(413));
        let same = vec![b'x'; limits::RUN];
        assert_eq!(got(&["zstd"], zstd(&same)).await.map(|body| body.len()), Ok(limits::RUN));
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_before_it_is_read_or_after_it_was_heard() {
        let caps = Caps { wire: 10, ..Caps::default() };
        for length in [11, 1000] {
            let body = Full::new(Bytes::from(vec![0; length]));
            assert_eq!(collect(&HeaderMap::new(), body, &caps, &room()).await.unwrap_err().status(), 413);
        }
        let frames = stream::iter((0..11).map(|_| Ok::<_, io::Error>(Frame::data(Bytes::from_static(b"x")))));
        assert_eq!(
            collect(&HeaderMap::new(), StreamBody::new(frames), &caps, &room()).await.unwrap_err().status(),
            413
        );
    }

    #[tokio::test]
    async fn a_slow_body_and_a_broken_one_are_refused() {
        let caps = Caps { grace: Duration::from_millis(20), ..Caps::default() };
        let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, io::Error>>());
        assert_eq!(collect(&HeaderMap::new(), Box::pin(never), &caps, &room()).await.unwrap_err(), Unread::TooSlow);
        let broken = StreamBody::new(stream::iter([Err::<Frame<Bytes>, _>(io::Error::other("reset"))]));
        assert_eq!(collect(&HeaderMap::new(), broken, &caps, &room()).await.unwrap_err().status(), 400);
    }

    #[tokio::test]
    async fn bodies_share_one_room_and_leave_it() {
        let room = Room::of(1 << 20);
        let take = async |length: usize| {
            let body = Full::new(Bytes::from(vec![b'x'; length]));
            collect(&HeaderMap::new(), body, &Caps::default(), &room).await
        };
        let (first, second) = (take(700 << 10).await.unwrap(), take(200 << 10).await.unwrap());
        assert_eq!(take(200 << 10).await.unwrap_err(), Unread::NoRoom);
        drop((first, second));
        assert_eq!(take(900 << 10).await.unwrap().body.len(), 900 << 10);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
        let bomb = Full::new(Bytes::from(zstd(&vec![0; 2 << 20])));
        assert_eq!(collect(&headers, bomb, &Caps::default(), &room).await.unwrap_err(), Unread::NoRoom);
    }
}
