//! What an identity provider says of somebody, and what follows for their roles.

use media::UnixMillis;

use super::Email;
use crate::{Locale, Roles};

/// What a provider said, after its signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Who says it.
    pub issuer: String,
    /// Its name for the person, which it never gives to another.
    pub subject: String,
    /// Their address, if the provider has confirmed it. One that it has not is no proof of anything.
    pub email: Option<Email>,
    /// Their name.
    pub name: String,
    /// Their language.
    pub locale: Locale,
    /// Their time zone.
    pub zone: String,
    /// Their groups.
    pub groups: Vec<String>,
    /// Which groups make roles.
    pub rule: GroupRule,
    /// When they signed in.
    pub at: UnixMillis,
}

/// Which groups make roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRule {
    /// Whose members are mentors, and nobody else.
    pub mentor: Option<String>,
    /// Whose members are operators, and nobody else.
    pub operator: Option<String>,
}

impl GroupRule {
    /// The roles of somebody who has `current` and is in `groups`. A role that no group is set for stays as it is.
    #[must_use]
    pub fn roles(&self, current: Roles, groups: &[String]) -> Roles {
        let of = |group: &Option<String>, current| group.as_ref().map_or(current, |group| groups.contains(group));
        Roles {
            mentee: current.mentee,
            mentor: of(&self.mentor, current.mentor),
            operator: of(&self.operator, current.operator),
        }
    }
}

/// Whether somebody with `before` has lost something with `after`.
#[must_use]
pub fn is_less(before: Roles, after: Roles) -> bool {
    before.mentee && !after.mentee || before.mentor && !after.mentor || before.operator && !after.operator
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(mentee: bool, mentor: bool, operator: bool) -> Roles {
        Roles { mentee, mentor, operator }
    }

    #[test]
    fn groups_give_roles_and_take_them() {
        let both = GroupRule { mentor: Some("guru".to_owned()), operator: Some("admin".to_owned()) };
        let none = GroupRule::default();
        let mentor_only = GroupRule { mentor: Some("guru".to_owned()), operator: None };
        for (rule, before, groups, after) in [
            (&both, roles(true, false, false), vec!["guru"], roles(true, true, false)),
            (&both, roles(true, true, true), vec![], roles(true, false, false)),
            (&both, roles(true, true, false), vec!["admin"], roles(true, false, true)),
            (&both, roles(false, false, false), vec!["Guru", "admins"], roles(false, false, false)),
            (&none, roles(true, true, true), vec![], roles(true, true, true)),
            (&none, roles(true, false, false), vec!["guru", "admin"], roles(true, false, false)),
            (&mentor_only, roles(true, true, true), vec!["admin"], roles(true, false, true)),
        ] {
            let groups: Vec<String> = groups.into_iter().map(str::to_owned).collect();
            assert_eq!(rule.roles(before, &groups), after, "{rule:?} {before:?} {groups:?}");
        }
    }

    #[test]
    fn less_is_any_role_gone() {
        for (before, after, expected) in [
            (roles(true, true, true), roles(true, true, true), false),
            (roles(true, false, false), roles(true, true, true), false),
            (roles(true, true, false), roles(true, false, true), true),
            (roles(true, true, false), roles(false, true, false), true),
            (roles(false, false, true), roles(true, true, false), true),
            (Roles::default(), Roles::default(), false),
        ] {
            assert_eq!(is_less(before, after), expected, "{before:?} {after:?}");
        }
    }
}
