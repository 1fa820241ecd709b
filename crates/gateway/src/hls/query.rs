//! Delivery directives of LL-HLS (RFC 8216bis §6.2.5).

/// What a playlist request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// `_HLS_msn` and `_HLS_part`.
    pub wanted: Option<(u64, Option<u32>)>,
    /// `_HLS_skip`.
    pub skip: bool,
}

impl Directives {
    /// Reads a query. Parameters that are not directives are passed over, and so are unknown `_HLS_` ones.
    pub fn parse(query: &str) -> Result<Self, &'static str> {
        let (mut msn, mut part, mut skip) = (None, None, false);
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "_HLS_msn" if msn.is_some() => return Err("_HLS_msn is given twice"),
                "_HLS_msn" => msn = Some(value.parse().map_err(|_| "_HLS_msn is not a sequence number")?),
                "_HLS_part" if part.is_some() => return Err("_HLS_part is given twice"),
                "_HLS_part" => part = Some(value.parse().map_err(|_| "_HLS_part is not a part number")?),
                "_HLS_skip" => skip = matches!(value, "YES" | "v2"),
                _ => {}
            }
        }
        match (msn, part) {
            (None, Some(_)) => Err("_HLS_part needs _HLS_msn"),
            (msn, part) => Ok(Self { wanted: msn.map(|msn| (msn, part)), skip }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn directives_are_read_and_others_passed_over() {
        assert_eq!(Directives::parse(""), Ok(Directives::default()));
        assert_eq!(
            Directives::parse("a=b&_HLS_msn=7&_HLS_part=2&_HLS_skip=YES&_HLS_push=1"),
            Ok(Directives { wanted: Some((7, Some(2))), skip: true })
        );
        assert_eq!(Directives::parse("_HLS_msn=7"), Ok(Directives { wanted: Some((7, None)), skip: false }));
    }

    #[test]
    fn nonsense_is_the_askers_fault() {
        for query in
            ["_HLS_part=1", "_HLS_msn=-1", "_HLS_msn=x", "_HLS_msn=1&_HLS_msn=2", "_HLS_msn=1&_HLS_part=99999999999"]
        {
            assert!(Directives::parse(query).is_err(), "{query}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_a_panic(query in "(_HLS_(msn|part|skip)|a|=|&|[0-9]{1,25}){0,12}") {
            let _ = Directives::parse(&query);
        }
    }
}
