//! What Spark wants: how many executors of which resource profile.

use std::collections::BTreeMap;

use super::event::FailureClass;
use super::types::ProfileId;

/// What is known of a resource profile.
#[derive(Debug, Clone, Default)]
pub(super) struct Desired {
    /// Executors wanted.
    pub(super) target: usize,
    /// Whether the API server has ever taken a pod of this profile.
    pub(super) proven: bool,
    /// Whether the user was told that the limit of pods is reached.
    closed: bool,
    /// The last waiting notice, so that it is not repeated.
    waiting: Option<(FailureClass, String)>,
}

/// All profiles that Spark has named.
#[derive(Debug, Clone, Default)]
pub(super) struct Targets {
    profiles: BTreeMap<ProfileId, Desired>,
    /// Whether the API server has ever taken a volume claim: all profiles have those that the configuration names.
    claims_proven: bool,
    /// The profile that got the last create: the next one goes to its successor.
    cursor: Option<ProfileId>,
}

impl Targets {
    /// Sets a target; profiles that are not named keep theirs.
    pub(super) fn set(&mut self, profile: ProfileId, target: usize) {
        self.profiles.entry(profile).or_default().target = target;
    }

    pub(super) fn target(&self, profile: ProfileId) -> usize {
        self.profiles.get(&profile).map_or(0, |desired| desired.target)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ProfileId, &Desired)> {
        self.profiles.iter().map(|(profile, desired)| (*profile, desired))
    }

    /// The next profile, in turns, for which `wants` holds.
    pub(super) fn next_where(&mut self, wants: impl Fn(ProfileId, usize) -> bool) -> Option<ProfileId> {
        let cursor = self.cursor;
        let after = self
            .profiles
            .iter()
            .filter(|(profile, _)| cursor.is_none_or(|last| **profile > last));
        let before = self
            .profiles
            .iter()
            .filter(|(profile, _)| cursor.is_some_and(|last| **profile <= last));
        let found = after
            .chain(before)
            .find(|(profile, desired)| wants(**profile, desired.target))
            .map(|(profile, _)| *profile)?;
        self.cursor = Some(found);
        Some(found)
    }

    /// Whether the API server has ever taken a pod of any profile.
    pub(super) fn any_proven(&self) -> bool {
        self.profiles.values().any(|desired| desired.proven)
    }

    /// A pod of the profile exists.
    pub(super) fn prove(&mut self, profile: ProfileId) {
        self.profiles.entry(profile).or_default().proven = true;
    }

    /// Whether the API server has ever taken a volume claim.
    pub(super) fn claims_proven(&self) -> bool {
        self.claims_proven
    }

    /// A volume claim exists.
    pub(super) fn prove_claims(&mut self) {
        self.claims_proven = true;
    }

    /// Nothing is waited for any more.
    pub(super) fn go_on(&mut self, profile: ProfileId) {
        if let Some(desired) = self.profiles.get_mut(&profile) {
            desired.waiting = None;
        }
    }

    /// Notes that the profile will never get another executor; false when that was noted already.
    pub(super) fn close(&mut self, profile: ProfileId) -> bool {
        !std::mem::replace(&mut self.profiles.entry(profile).or_default().closed, true)
    }

    /// Notes what the profile waits for; false when that was said already.
    pub(super) fn wait_for(&mut self, profile: ProfileId, class: FailureClass, message: &str) -> bool {
        let desired = self.profiles.entry(profile).or_default();
        if desired
            .waiting
            .as_ref()
            .is_some_and(|(known, text)| *known == class && text == message)
        {
            return false;
        }
        desired.waiting = Some((class, message.to_owned()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_take_turns() {
        let mut targets = Targets::default();
        for profile in 0..3 {
            targets.set(ProfileId(profile), 1);
        }
        let turns: Vec<_> = (0..4)
            .filter_map(|_| targets.next_where(|_, _| true))
            .map(|p| p.0)
            .collect();
        assert_eq!(turns, [0, 1, 2, 0]);
        assert_eq!(
            targets.next_where(|profile, _| profile.0 != 1),
            Some(ProfileId(2))
        );
        assert_eq!(targets.next_where(|_, target| target > 1), None);
    }

    #[test]
    fn a_waiting_notice_is_repeated_only_when_it_changes_or_after_a_success() {
        let mut targets = Targets::default();
        let profile = ProfileId(0);
        assert!(targets.wait_for(profile, FailureClass::QuotaExceeded, "quota"));
        assert!(!targets.wait_for(profile, FailureClass::QuotaExceeded, "quota"));
        assert!(targets.wait_for(profile, FailureClass::Server, "quota"));
        targets.go_on(profile);
        assert!(targets.wait_for(profile, FailureClass::Server, "quota"));
    }
}
