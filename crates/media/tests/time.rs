//! Time: rescaling, unrolling and the wall clock, over their whole ranges.

use media::{Ticks, Timescale, TimestampUnwrapper, UnixMillis};

/// The timescales in use, and two awkward ones.
const SCALES: [u32; 9] = [1, 1_000, 22_050, 44_100, 48_000, 90_000, 96_000, 1_000_000, u32::MAX];

fn scale(hz: u32) -> Timescale {
    Timescale::new(hz).expect("not zero")
}

/// Numbers spread over all of `i64`, from a fixed seed.
fn spread(count: usize) -> impl Iterator<Item = i64> {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    (0..count).map(move |n| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state as i64) >> (n % 64)
    })
}

#[test]
fn zero_ticks_a_second_is_no_timescale() {
    assert_eq!(Timescale::new(0), None);
    for hz in SCALES {
        assert_eq!(scale(hz).hz(), hz);
    }
    assert_eq!((Timescale::MILLIS.hz(), Timescale::VIDEO.hz()), (1_000, 90_000));
}

#[test]
fn rescaling_to_the_same_timescale_changes_nothing() {
    for hz in SCALES {
        for ticks in spread(500) {
            assert_eq!(Ticks(ticks).rescale(scale(hz), scale(hz)), Ticks(ticks));
        }
    }
}

#[test]
fn rescaling_never_moves_later_and_never_by_a_whole_tick() {
    for from in SCALES {
        for to in SCALES {
            for ticks in spread(200).map(|ticks| ticks >> 34) {
                let scaled = i128::from(Ticks(ticks).rescale(scale(from), scale(to)).0);
                let exact = i128::from(ticks) * i128::from(to);
                let error = exact - scaled * i128::from(from);
                assert!((0..i128::from(from)).contains(&error), "{ticks} from {from} to {to}: off by {error}");
            }
        }
    }
}

#[test]
fn rescaling_keeps_order() {
    for from in SCALES {
        for to in SCALES {
            let mut times: Vec<i64> = spread(100).collect();
            times.sort_unstable();
            let scaled: Vec<Ticks> = times.iter().map(|ticks| Ticks(*ticks).rescale(scale(from), scale(to))).collect();
            assert!(scaled.is_sorted(), "from {from} to {to}");
        }
    }
}

#[test]
fn going_to_a_finer_timescale_and_back_is_exact() {
    for (coarse, fine) in [(1_000, 90_000), (1_000, 1_000_000), (48_000, 96_000), (1, 44_100)] {
        for ticks in spread(300).map(|ticks| ticks >> 24) {
            let there = Ticks(ticks).rescale(scale(coarse), scale(fine));
            assert_eq!(there.rescale(scale(fine), scale(coarse)), Ticks(ticks), "{ticks} by {coarse} and {fine}");
        }
    }
}

#[test]
fn what_does_not_fit_saturates_and_never_wraps() {
    let (fine, coarse) = (scale(u32::MAX), scale(1));
    assert_eq!(Ticks(i64::MAX).rescale(coarse, fine), Ticks(i64::MAX));
    assert_eq!(Ticks(i64::MIN).rescale(coarse, fine), Ticks(i64::MIN));
    assert_eq!(Ticks(i64::MAX).plus(Ticks(1)), Ticks(i64::MAX));
    assert_eq!(Ticks(i64::MIN).minus(Ticks(1)), Ticks(i64::MIN));
    assert_eq!(Ticks(2).plus(Ticks(3)).minus(Ticks(5)), Ticks::ZERO);
    assert_eq!(UnixMillis(i64::MAX).plus_millis(1), UnixMillis(i64::MAX));
    assert_eq!(UnixMillis(i64::MIN).plus_millis(-1), UnixMillis(i64::MIN));
}

#[test]
fn milliseconds_round_down_and_seconds_are_a_float() {
    assert_eq!(Ticks(89).millis(Timescale::VIDEO), 0);
    assert_eq!(Ticks(90).millis(Timescale::VIDEO), 1);
    assert_eq!(Ticks(-1).millis(Timescale::VIDEO), -1);
    assert!((Ticks(45_000).seconds(Timescale::VIDEO) - 0.5).abs() < f64::EPSILON);
    assert_eq!(UnixMillis(1_999).seconds(), 1);
    assert_eq!(UnixMillis(-1).seconds(), -1);
}

#[test]
fn a_counter_of_any_width_follows_steps_of_less_than_half_its_range() {
    for bits in [8, 16, 24, 32, 33, 48] {
        let range = 1i64 << bits;
        let mut unwrapper = TimestampUnwrapper::new(bits);
        let mut truth = range - 5;
        assert_eq!(unwrapper.unwrap(truth as u64), truth);
        for step in spread(2_000) {
            truth += step % (range / 2);
            assert_eq!(unwrapper.unwrap(truth.rem_euclid(range) as u64), truth, "{bits} bits, step {step}");
        }
    }
}

#[test]
fn bits_above_the_width_are_ignored() {
    let mut unwrapper = TimestampUnwrapper::new(24);
    assert_eq!(unwrapper.unwrap(0xAB00_0010), 0x10);
    assert_eq!(unwrapper.unwrap(0xFFFF_FFFF_FF00_0020), 0x20);
}

#[test]
fn a_step_of_exactly_half_the_range_is_taken_backwards() {
    let mut unwrapper = TimestampUnwrapper::new(8);
    assert_eq!(unwrapper.unwrap(0), 0);
    assert_eq!(unwrapper.unwrap(128), -128);
    assert_eq!(unwrapper.unwrap(127), -129);
}

#[test]
#[should_panic(expected = "counter width")]
fn a_width_that_makes_no_sense_is_the_callers_fault() {
    let _ = TimestampUnwrapper::new(64);
}

#[test]
fn the_wall_clock_prints_every_day_of_four_centuries_in_order() {
    let mut before = UnixMillis(0).to_string();
    for day in 1..146_097 {
        let text = UnixMillis(day * 86_400_000).to_string();
        assert!(text > before, "{before} {text}");
        assert!(text.ends_with("T00:00:00.000Z") && text.len() == 24, "{text}");
        before = text;
    }
    assert_eq!(before, "2369-12-31T00:00:00.000Z");
}

#[test]
fn the_wall_clock_knows_leap_years() {
    let day = |text: &str, millis: i64| assert_eq!(UnixMillis(millis).to_string(), text);
    day("2000-02-29T00:00:00.000Z", 951_782_400_000);
    day("2000-03-01T00:00:00.000Z", 951_868_800_000);
    day("2100-03-01T00:00:00.000Z", 4_107_542_400_000);
    day("2026-11-21T11:40:00.250Z", 1_795_261_200_250);
}

#[test]
fn frames_that_overtake_each_other_across_a_wrap_keep_their_distance() {
    for bits in [24, 32, 33] {
        let range = 1u64 << bits;
        let mut unwrapper = TimestampUnwrapper::new(bits);
        // Decode order of I P B B at 40 ms, presentation times, across the wrap.
        let base = range - 100;
        let order = [0u64, 120, 40, 80, 240, 160, 200];
        let unrolled: Vec<i64> = order.iter().map(|offset| unwrapper.unwrap((base + offset) % range)).collect();
        let offsets: Vec<i64> = unrolled.iter().map(|time| time - base as i64).collect();
        assert_eq!(offsets, order.map(|offset| offset as i64), "{bits} bits");
    }
}

#[test]
fn audio_times_from_sample_counts_never_leave_their_millisecond_timestamps() {
    // What a sender in milliseconds says of a frame, and what the sample count says of it, differ by rounding alone.
    for (hz, samples) in [(44_100, 1_024), (48_000, 1_024), (22_050, 2_048), (48_000, 960)] {
        let audio = scale(hz);
        for frame in 0..200_000i64 {
            let exact = Ticks(frame * samples);
            let said = exact.rescale(audio, Timescale::MILLIS);
            let back = said.rescale(Timescale::MILLIS, audio);
            let error = exact.minus(back).0;
            assert!((0..=i64::from(hz) / 1_000 + 1).contains(&error), "frame {frame} at {hz}: {error} samples");
        }
    }
}
