//! Networks of IP addresses, as an operator writes them: `10.1.0.0/16`, `2001:db8::/32`, or one address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// All addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// The text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an IP address, or a network such as 10.1.0.0/16")]
pub struct NetworkError;

impl Network {
    /// Most networks in a list: every proxy of a large provider has its line.
    pub const LIST_MAX: usize = 64;

    /// Those of a list with commas.
    ///
    /// # Errors
    /// [`NetworkError`] for one that is none, and for more than [`Self::LIST_MAX`].
    pub fn list(text: &str) -> Result<Vec<Self>, NetworkError> {
        let all: Vec<Self> = text.split(',').map(|one| one.trim().parse()).collect::<Result<_, _>>()?;
        if all.len() <= Self::LIST_MAX { Ok(all) } else { Err(NetworkError) }
    }

    /// This machine.
    #[must_use]
    pub fn loopback() -> [Self; 2] {
        let v4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
        [Self(v4.into()), Self(IpAddr::from(Ipv6Addr::LOCALHOST).into())]
    }

    /// Whether an address is one of it. IPv4 within IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let one = || text.parse().map(|address: IpAddr| address.into());
        text.parse().or_else(|_| one()).map(Self).map_err(|_| NetworkError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_that_begin_like_it() {
        for (network, address, inside) in [
            ("10.1.0.0/16", "10.1.255.255", true),
            ("10.1.0.0/16", "10.2.0.0", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("127.0.0.0/8", "::ffff:127.0.0.1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
            ("::1", "::1", true),
        ] {
            let parsed: Network = network.parse().expect("a network");
            assert_eq!(parsed.contains(address.parse().expect("address")), inside, "{network} {address}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.1.2", "10.1.2.3/33", "::/129", "10.1.2.3/-1", "10.1.2.3/x", "proxy.example", "10.1.2.3/"] {
            assert_eq!(Network::list(text), Err(NetworkError), "{text}");
        }
        assert_eq!(Network::list("127.0.0.0/8, ::1"), Ok(Network::loopback().to_vec()));
        assert!(Network::list(&["::1"; Network::LIST_MAX + 1].join(",")).is_err());
    }
}
