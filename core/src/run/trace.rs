//! What all runs of one trace share: its id, and a clock that never steps back.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uuid::{NoContext, Timestamp, Uuid};

use crate::process_id;

/// The clock of one trace: the wall clock read once, and a monotonic clock since.
///
/// Starts are handed out strictly increasing, in microseconds, so that the dotted order of a trace is the order in
/// which its runs opened, whatever the wall clock does meanwhile.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) id: Uuid,
    /// Microseconds since 1970 at `anchor`.
    wall: u64,
    anchor: Instant,
    /// The newest start handed out.
    newest: AtomicU64,
}

impl Trace {
    /// The trace whose first run opens now, under its own new id or `id`.
    pub(crate) fn open(id: Option<Uuid>, anchor: Instant) -> (Self, u64) {
        let wall = micros(SystemTime::now());
        let id = id.unwrap_or_else(|| id_at(wall));
        (Self { id, wall, anchor, newest: AtomicU64::new(wall) }, wall)
    }

    /// A trace that began in another process, whose newest known start is `parent_start`.
    pub(crate) fn joined(id: Uuid, parent_start: u64) -> Self {
        let wall = micros(SystemTime::now());
        Self { id, wall, anchor: Instant::now(), newest: AtomicU64::new(parent_start) }
    }

    fn at(&self, now: Instant) -> u64 {
        self.wall + whole_micros(now.saturating_duration_since(self.anchor))
    }

    /// A start later than any handed out before.
    pub(crate) fn next_start(&self, now: Instant) -> u64 {
        let now = self.at(now);
        let later = |newest: u64| now.max(newest + 1);
        let newest = self.newest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |newest| Some(later(newest)));
        later(newest.unwrap_or_else(|newest| newest))
    }

    /// Now, and not before any start handed out.
    pub(crate) fn end(&self, now: Instant) -> u64 {
        self.at(now).max(self.newest.load(Ordering::Relaxed))
    }
}

pub(super) fn micros(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, whole_micros)
}

/// As `Duration::as_micros`, without its division of 128 bits.
fn whole_micros(duration: Duration) -> u64 {
    duration.as_secs() * 1_000_000 + u64::from(duration.subsec_micros())
}

/// A new id of version 7 for a moment in microseconds since 1970, made without another look at the clock.
pub(crate) fn id_at(micros: u64) -> Uuid {
    let nanos = (micros % 1_000_000) as u32 * 1000;
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, micros / 1_000_000, nanos));
    // Processes forked from one draw the same random numbers: what differs is who they are. An odd factor spreads that
    // over the last 62 bits, all of which are random, and keeps it apart.
    let process = u64::from(process_id()).wrapping_mul(0x9E37_79B9_7F4A_7C15) & (u64::MAX >> 2);
    Uuid::from_u128(id.as_u128() ^ u128::from(process))
}

/// The last moment of the year 9999.
const LAST: u64 = 253_402_300_799_999_999;

/// A moment in microseconds since 1970, in UTC. As text, one after the year 9999 is that year's last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The moment so many microseconds after 1970.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// As the standard library has it.
    pub fn to_system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.0)
    }

    /// As a segment of a dotted order has it: `20260304T050607000089Z`.
    pub fn to_dotted(self) -> String {
        let mut text = String::with_capacity(22);
        self.write_dotted(&mut text);
        text
    }

    pub(crate) fn write_dotted(self, text: &mut String) {
        text.push_str(std::str::from_utf8(&self.digits_in(*b"00000000T000000000000Z")).unwrap_or_default());
    }

    /// A form, with the digits of the moment in place of its zeros. Writing a number at a time with `format!` takes a tenth
    /// of what it takes to send a run.
    fn digits_in<const N: usize>(self, mut form: [u8; N]) -> [u8; N] {
        let (year, month, day, rest) = Self(self.0.min(LAST)).civil();
        let (hour, minute, second, micros) = clock(rest);
        let mut digits = [0; 20];
        let mut at = 0;
        for (value, length) in [(year, 4), (month, 2), (day, 2), (hour, 2), (minute, 2), (second, 2), (micros, 6)] {
            let mut rest = value;
            for digit in digits[at..at + length].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            at += length;
        }
        form.iter_mut().filter(|byte| **byte == b'0').zip(digits).for_each(|(zero, digit)| *zero = digit);
        form
    }

    /// Reads the form of [`to_dotted`](Self::to_dotted); fewer digits of the second are taken as they are.
    pub fn from_dotted(text: &str) -> Option<Self> {
        let digits = |from: usize, to: usize| -> Option<u64> {
            let part = text.get(from..to)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
        };
        let fraction_end = text.strip_suffix('Z')?.len();
        (text.as_bytes().get(8) == Some(&b'T') && (15..=21).contains(&fraction_end)).then_some(())?;
        let (year, month, day) = (digits(0, 4)?, digits(4, 6)?, digits(6, 8)?);
        let (hour, minute, second) = (digits(9, 11)?, digits(11, 13)?, digits(13, 15)?);
        ((1970..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1 && hour < 24 && minute < 60)
            .then_some(())?;
        (second < 60 && day <= days_in_month(year, month)).then_some(())?;
        let scale = 10_u64.pow(u32::try_from(21 - fraction_end).ok()?);
        let micros = if fraction_end == 15 { 0 } else { digits(15, fraction_end)? * scale };
        let days = days_from_civil(year, month, day);
        Some(Self((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + micros))
    }

    /// Year, month, day, and the microseconds of the day. Howard Hinnant's civil-from-days, for dates after 1970.
    fn civil(self) -> (u64, u64, u64, u64) {
        const DAY: u64 = 86_400_000_000;
        let shifted = self.0 / DAY + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        (era * 400 + year_of_era + u64::from(month <= 2), month, day, self.0 % DAY)
    }
}

fn clock(micros_of_day: u64) -> (u64, u64, u64, u64) {
    let seconds = micros_of_day / 1_000_000;
    (seconds / 3600, seconds / 60 % 60, seconds % 60, micros_of_day % 1_000_000)
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// RFC 3339 in UTC with microseconds: `2026-03-04T05:06:07.000089Z`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits_in(*b"0000-00-00T00:00:00.000000Z")).unwrap_or_default())
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_and_write_the_dotted_form() {
        for (micros, text) in [
            (1_772_600_767_000_089, "20260304T050607000089Z"),
            (0, "19700101T000000000000Z"),
            (951_827_696_789_012, "20000229T123456789012Z"),
            (LAST, "99991231T235959999999Z"),
        ] {
            assert_eq!(Moment::from_micros(micros).to_dotted(), text);
            assert_eq!(Moment::from_dotted(text), Some(Moment::from_micros(micros)));
        }
        assert_eq!(Moment::from_dotted("20260304T050607123Z").map(|m| m.as_micros() % 1_000_000), Some(123_000));
        for bad in
            ["", "Z", "20260304T050607000089", "20261304T050607000089Z", "20260230T050607000089Z", "2026é304T050607Z"]
        {
            assert_eq!(Moment::from_dotted(bad), None, "{bad}");
        }
        assert_eq!(Moment::from_micros(u64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Moment::from_micros(1_772_600_767_000_089).to_string(), "2026-03-04T05:06:07.000089Z");
    }

    #[test]
    fn starts_strictly_increase_even_when_the_parent_is_ahead_of_our_clock() {
        let ahead = micros(SystemTime::now()) + 3_600_000_000;
        let trace = Trace::joined(Uuid::nil(), ahead);
        let now = Instant::now();
        let starts: Vec<u64> = (0..100).map(|_| trace.next_start(now)).collect();
        assert!(starts[0] > ahead);
        assert!(starts.is_sorted_by(|a, b| a < b));
        assert!(trace.end(now) >= starts[99]);
    }
}
