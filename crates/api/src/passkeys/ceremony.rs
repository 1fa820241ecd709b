//! What browsers are asked and whether their answers hold: Web Authentication Level 3, sections 7.1 (registering) and 7.2
//! (verifying), by the crate `webauthn_rp`, which nothing else here speaks to.
//!
//! Asked for are discoverable credentials with user verification and without attestation: whoever makes the device is not our
//! business, and that it has asked for a finger, a face or a PIN is what makes it as good as a password and more.
//!
//! Pure but for the crate's own randomness (challenges) and clock (their end, which [`super::challenge`] holds too).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::User;
use control::passkeys::Passkey;
use serde_json::Value;
use url::{Host, Url};
use webauthn_rp::bin::{Decode as _, Encode as _};
use webauthn_rp::request::auth::AuthenticationVerificationOptions;
use webauthn_rp::request::register::{
    CredProtect, Nickname, PublicKeyCredentialUserEntity, RegistrationVerificationOptions, UserHandle16, Username,
};
use webauthn_rp::request::{AsciiDomain, ExtensionInfo, PublicKeyCredentialDescriptor, RpId};
use webauthn_rp::response::auth::error::AuthCeremonyErr;
use webauthn_rp::response::register::{CompressedPubKey, DynamicState, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication16, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions, Registration, RegistrationServerState,
};

/// Length of a user handle: the id of the person.
const HANDLE_BYTES: usize = 16;

/// A public key of any kind that is taken, as it is kept.
type KeptKey = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

/// Why an answer is not taken. No text holds anything of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CeremonyError {
    /// It is none.
    #[error("the answer is not what a browser gives")]
    Malformed,
    /// It does not hold.
    #[error("{0}")]
    Refused(&'static str),
    /// What we kept or gave out cannot be read: our fault.
    #[error("{0} cannot be read")]
    Ours(&'static str),
}

/// This server, as passkeys know it.
#[derive(Debug)]
pub struct RelyingParty {
    id: RpId,
    origin: String,
}

/// What a browser is asked.
pub(crate) struct Asked {
    /// What the answer is verified with.
    pub(crate) state: String,
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`.
    pub(crate) options: Value,
}

/// A key that was made.
pub(crate) struct Made {
    pub(crate) credential: String,
    pub(crate) key: String,
    pub(crate) state: String,
}

/// What a browser answers to who signs in.
pub(crate) struct Answer(DiscoverableAuthentication16);

impl RelyingParty {
    /// By where people reach this server. `None`: browsers keep no passkeys for it, as it has no name, or is reached in the
    /// clear from elsewhere.
    #[must_use]
    pub fn of(public_url: &str) -> Option<Self> {
        let url = Url::parse(public_url).ok()?;
        let Host::Domain(name) = url.host()? else { return None };
        let is_here = name == "localhost" || name.ends_with(".localhost");
        let is_secure = url.scheme() == "https" || url.scheme() == "http" && is_here;
        let id = RpId::Domain(AsciiDomain::try_from(name.to_owned()).ok()?);
        is_secure.then(|| Self { id, origin: url.origin().ascii_serialization() })
    }

    /// Begins to add a passkey to those that somebody has.
    pub(crate) fn begin_adding(&self, user: &User, held: &[Passkey]) -> Result<Asked, CeremonyError> {
        let handle = UserHandle16::decode(user.id.0.into_bytes()).unwrap_or_else(|never| match never {});
        let id = user.id.to_string();
        let name = Username::try_from(user.email.as_str()).or_else(|_| Username::try_from(id.as_str()));
        let entity = PublicKeyCredentialUserEntity {
            name: name.map_err(|_| CeremonyError::Ours("an address"))?,
            id: &handle,
            display_name: Nickname::try_from(user.name.as_str()).ok(),
        };
        let none = AuthTransports::decode(0).map_err(|_| CeremonyError::Ours("a credential"))?;
        let held = held.iter().map(|passkey| {
            let id =
                CredentialId::decode(bytes(&passkey.credential)?).map_err(|_| CeremonyError::Ours("a credential"))?;
            Ok(PublicKeyCredentialDescriptor { id, transports: none })
        });
        let held = held.collect::<Result<Vec<_>, CeremonyError>>()?;
        let mut options = PublicKeyCredentialCreationOptions::passkey(&self.id, entity, held);
        // Asked for and not enforced: browsers make no passkey at all on phones that do not know this extension, as most.
        options.extensions.cred_protect = CredProtect::UserVerificationRequired(ExtensionInfo::AllowDontEnforceValue);
        let (state, client) = options.start_ceremony().map_err(|_| CeremonyError::Ours("a challenge"))?;
        let state = state.encode().map_err(|_| CeremonyError::Ours("the clock"))?;
        asked(&state, &client)
    }

    /// The key that was made, if the answer to what [`Self::begin_adding`] asked holds.
    pub(crate) fn finish_adding(&self, state: &str, answer: &Value) -> Result<Made, CeremonyError> {
        let state = RegistrationServerState::<HANDLE_BYTES>::decode(&bytes(state)?)
            .map_err(|_| CeremonyError::Ours("a challenge"))?;
        let answer = Registration::from_json_relaxed(&text(answer)).map_err(|_| CeremonyError::Malformed)?;
        let origins = [self.origin.as_str()];
        let options = RegistrationVerificationOptions::<&str, &str> {
            allowed_origins: &origins,
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let made = state.verify(&self.id, &answer, &options).map_err(|error| {
            tracing::debug!(%error, "a passkey was not added");
            CeremonyError::Refused("the new passkey does not hold")
        })?;
        Ok(Made {
            credential: URL_SAFE_NO_PAD.encode(made.id()),
            key: URL_SAFE_NO_PAD.encode(made.static_state().encode().unwrap_or_else(|never| match never {})),
            state: kept(made.dynamic_state()),
        })
    }

    /// Begins to sign somebody in, whoever it is.
    pub(crate) fn begin_signing_in(&self) -> Result<Asked, CeremonyError> {
        let options = DiscoverableCredentialRequestOptions::passkey(&self.id);
        let (state, client) = options.start_ceremony().map_err(|_| CeremonyError::Ours("a challenge"))?;
        let state = state.encode().map_err(|_| CeremonyError::Ours("the clock"))?;
        asked(&state, &client)
    }

    /// [`Passkey::state`] as it is after this use of `passkey`, if the answer to what [`Self::begin_signing_in`] asked holds.
    pub(crate) fn verify(&self, state: &str, answer: &Answer, passkey: &Passkey) -> Result<String, CeremonyError> {
        let state = DiscoverableAuthenticationServerState::decode(&bytes(state)?)
            .map_err(|_| CeremonyError::Ours("a challenge"))?;
        let handle = UserHandle16::decode(passkey.user.0.into_bytes()).unwrap_or_else(|never| match never {});
        let id = bytes(&passkey.credential)?;
        let id = CredentialId::<&[u8]>::decode(&id).map_err(|_| CeremonyError::Ours("a credential"))?;
        let key = StaticState::<KeptKey>::decode(&bytes(&passkey.key)?).map_err(|_| CeremonyError::Ours("a key"))?;
        let before: [u8; 7] = bytes(&passkey.state)?.try_into().map_err(|_| CeremonyError::Ours("a state"))?;
        let before = DynamicState::decode(before).map_err(|_| CeremonyError::Ours("a state"))?;
        let mut credential =
            AuthenticatedCredential::new(id, &handle, key, before).map_err(|_| CeremonyError::Ours("a passkey"))?;
        let origins = [self.origin.as_str()];
        let options = AuthenticationVerificationOptions::<&str, &str> {
            allowed_origins: &origins,
            error_on_unsolicited_extensions: false,
            ..AuthenticationVerificationOptions::default()
        };
        state.verify(&self.id, &answer.0, &mut credential, &options).map_err(refused)?;
        Ok(kept(credential.dynamic_state()))
    }
}

impl Answer {
    /// `PublicKeyCredential` as JSON (`AuthenticationResponseJSON`).
    pub(crate) fn read(answer: &Value) -> Result<Self, CeremonyError> {
        DiscoverableAuthentication16::from_json_relaxed(&text(answer)).map(Self).map_err(|_| CeremonyError::Malformed)
    }

    /// Of which passkey it says that it is.
    pub(crate) fn credential(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.raw_id())
    }
}

/// In words for the journal: what is worth knowing apart.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(error: AuthCeremonyErr) -> CeremonyError {
    tracing::debug!(%error, "an answer of a passkey does not hold");
    CeremonyError::Refused(match error {
        AuthCeremonyErr::SignatureCounter => "the counter of the passkey went back, as if there were two of it",
        AuthCeremonyErr::OriginMismatch | AuthCeremonyErr::CrossOrigin | AuthCeremonyErr::TopOriginMismatch => {
            "the passkey was asked by a page of another server"
        }
        AuthCeremonyErr::RpIdHashMismatch => "the passkey is of another server",
        AuthCeremonyErr::UserHandleMismatch => "the passkey is somebody else's",
        AuthCeremonyErr::UserNotVerified => "the device did not ask for a finger, a face or a PIN",
        AuthCeremonyErr::Timeout | AuthCeremonyErr::ChallengeMismatch => "the passkey answers another challenge",
        _ => "the answer of the passkey does not hold",
    })
}

fn asked(state: &[u8], client: &impl serde::Serialize) -> Result<Asked, CeremonyError> {
    let options = serde_json::to_value(client).map_err(|_| CeremonyError::Ours("a challenge"))?;
    Ok(Asked { state: URL_SAFE_NO_PAD.encode(state), options })
}

fn kept(state: DynamicState) -> String {
    URL_SAFE_NO_PAD.encode(state.encode().unwrap_or_else(|never| match never {}))
}

/// What we kept or gave out as text.
fn bytes(kept: &str) -> Result<Vec<u8>, CeremonyError> {
    URL_SAFE_NO_PAD.decode(kept).map_err(|_| CeremonyError::Ours("what was kept"))
}

fn text(answer: &Value) -> Vec<u8> {
    answer.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_for_servers_with_a_name_that_are_reached_safely() {
        for (url, origin) in [
            ("https://tayang.test", Some("https://tayang.test")),
            ("https://tayang.test:8443", Some("https://tayang.test:8443")),
            ("https://tayang.test:443", Some("https://tayang.test")),
            ("http://localhost:8080", Some("http://localhost:8080")),
            ("http://belajar.localhost", Some("http://belajar.localhost")),
            ("http://tayang.test", None),
            ("http://localhost.tayang.test", None),
            ("https://192.0.2.7", None),
            ("https://[2001:db8::1]", None),
            ("http://127.0.0.1:8080", None),
            ("tayang.test", None),
        ] {
            assert_eq!(RelyingParty::of(url).map(|party| party.origin).as_deref(), origin, "{url}");
        }
    }
}
