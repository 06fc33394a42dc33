//! A vault that remembers what was done to it: secrets with AWS's own refusals, faults before or after a call is carried
//! out, and a countdown at whose end the caller is struck dead.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secretsweep::domain::base::names::{Region, SecretArn};
use secretsweep::domain::inventory::secret::{Replica, Secret};
use secretsweep::ports::{Fault, RecoveryWindow, Scheduled, Vault};

pub(crate) const CALLER: &str = "arn:aws:iam::111122223333:user/ops";

/// A clock that moves on by a second each time it is looked at, and a countdown to the caller's death.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    now: Arc<AtomicI64>,
    left: Arc<AtomicI64>,
}

impl Fate {
    pub(crate) fn new(start: Timestamp) -> Self {
        Self {
            now: Arc::new(AtomicI64::new(start.as_second())),
            left: Arc::new(AtomicI64::new(i64::MAX)),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.now.fetch_add(1, Ordering::Relaxed)).unwrap()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    /// After this many steps the caller dies.
    pub(crate) fn strike_after(&self, steps: i64) {
        self.left.store(steps, Ordering::Relaxed);
    }

    /// A point at which a process could be killed.
    pub(crate) fn step(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            // Not `panic!`: a thousand messages of intended deaths help nobody.
            std::panic::resume_unwind(Box::new("killed"));
        }
    }
}

/// The moment at which a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// The call is not carried out.
    Before,
    /// The call is carried out, and its answer is lost.
    After,
}

/// One secret with what was done to it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) secret: Secret,
    pub(crate) resource_policy: Option<String>,
    /// The windows of all deletions that were carried out.
    pub(crate) deletions: Vec<u8>,
    pub(crate) restored: u32,
    /// Tags, removals and replications that were carried out.
    pub(crate) changes: u32,
}

/// A fault that is to come.
#[derive(Debug)]
struct Planned {
    call: &'static str,
    arn: SecretArn,
    /// The number of such calls that succeed before.
    spared: u32,
    when: When,
    fault: Fault,
}

#[derive(Debug, Default)]
struct State {
    secrets: BTreeMap<SecretArn, Kept>,
    faults: Vec<Planned>,
}

#[derive(Debug)]
pub(crate) struct Fake {
    state: Mutex<State>,
    pub(crate) fate: Fate,
}

impl Fake {
    pub(crate) fn new(secrets: impl IntoIterator<Item = Secret>, fate: &Fate) -> Self {
        let keep = |secret: Secret| {
            let kept = Kept {
                secret,
                resource_policy: None,
                deletions: vec![],
                restored: 0,
                changes: 0,
            };
            (kept.secret.arn.clone(), kept)
        };
        let state = State {
            secrets: secrets.into_iter().map(keep).collect(),
            faults: vec![],
        };
        Self {
            state: Mutex::new(state),
            fate: fate.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn kept(&self, arn: &SecretArn) -> Kept {
        self.lock().secrets[arn].clone()
    }

    pub(crate) fn all(&self) -> Vec<Kept> {
        self.lock().secrets.values().cloned().collect()
    }

    /// Somebody else changes a secret.
    pub(crate) fn change(&self, arn: &SecretArn, change: impl FnOnce(&mut Secret)) {
        change(&mut self.lock().secrets.get_mut(arn).unwrap().secret);
    }

    /// The secret is gone for good.
    pub(crate) fn shred(&self, arn: &SecretArn) {
        self.lock().secrets.remove(arn);
    }

    /// The next such call for this secret fails.
    pub(crate) fn fail(&self, call: &'static str, arn: &SecretArn, when: When, fault: Fault) {
        self.fail_later(call, arn, 0, when, fault);
    }

    /// Such a call for this secret fails, after some went well.
    pub(crate) fn fail_later(
        &self,
        call: &'static str,
        arn: &SecretArn,
        spared: u32,
        when: When,
        fault: Fault,
    ) {
        let arn = arn.clone();
        self.lock().faults.push(Planned {
            call,
            arn,
            spared,
            when,
            fault,
        });
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        name: &'static str,
        arn: &'a SecretArn,
        act: impl FnOnce(&mut Kept, Timestamp) -> Result<T, Fault> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Fault>> {
        async move {
            self.fate.step();
            let answer = self.carry_out(name, arn, act);
            self.fate.step();
            answer
        }
        .boxed()
    }

    fn carry_out<T>(
        &self,
        name: &'static str,
        arn: &SecretArn,
        act: impl FnOnce(&mut Kept, Timestamp) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let now = self.fate.now();
        let mut state = self.lock();
        let mut struck = None;
        if let Some(place) = state
            .faults
            .iter()
            .position(|one| one.call == name && one.arn == *arn)
        {
            match state.faults[place].spared.checked_sub(1) {
                Some(left) => state.faults[place].spared = left,
                None => struck = Some(state.faults.remove(place)),
            }
        }
        let before = struck.as_ref().filter(|one| one.when == When::Before);
        if let Some(planned) = before {
            return Err(planned.fault.clone());
        }
        let kept = state.secrets.get_mut(arn);
        let answer = act(
            kept.ok_or_else(|| Fault::Gone("no such secret".to_owned()))?,
            now,
        );
        match struck {
            Some(planned) => Err(planned.fault),
            None => answer,
        }
    }
}

fn refused(message: &str) -> Fault {
    Fault::Refused {
        code: "InvalidRequestException".to_owned(),
        message: message.to_owned(),
    }
}

fn active(kept: &Kept) -> Result<(), Fault> {
    match kept.secret.deleted {
        Some(_) => Err(refused("it was marked for deletion")),
        None => Ok(()),
    }
}

impl Vault for Fake {
    fn describe<'a>(&'a self, arn: &'a SecretArn) -> BoxFuture<'a, Result<Secret, Fault>> {
        self.call("describe", arn, |kept, _| Ok(kept.secret.clone()))
    }

    fn resource_policy<'a>(
        &'a self,
        arn: &'a SecretArn,
    ) -> BoxFuture<'a, Result<Option<String>, Fault>> {
        self.call("resource policy", arn, |kept, _| {
            Ok(kept.resource_policy.clone())
        })
    }

    fn delete<'a>(
        &'a self,
        arn: &'a SecretArn,
        window: RecoveryWindow,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Scheduled, Fault>> {
        self.call("delete", arn, move |kept, now| {
            active(kept)?;
            if kept.secret.owner_service().is_some() {
                return Err(refused("it is managed by another service"));
            }
            if kept.secret.replicas.iter().flatten().next().is_some() {
                return Err(refused("it has replicas"));
            }
            kept.secret.deleted = Some(now);
            kept.deletions.push(window.days());
            let window = jiff::SignedDuration::from_hours(24 * i64::from(window.days()));
            Ok(Scheduled {
                deletion: now + window,
            })
        })
    }

    fn restore<'a>(&'a self, arn: &'a SecretArn) -> BoxFuture<'a, Result<(), Fault>> {
        self.call("restore", arn, |kept, _| {
            kept.secret.deleted = None;
            kept.restored += 1;
            Ok(())
        })
    }

    fn tag<'a>(
        &'a self,
        arn: &'a SecretArn,
        key: &'a str,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        self.call("tag", arn, |kept, now| {
            active(kept)?;
            kept.secret.tags.insert(key.to_owned(), value.to_owned());
            kept.secret.last_changed = Some(now);
            kept.changes += 1;
            Ok(())
        })
    }

    fn untag<'a>(&'a self, arn: &'a SecretArn, key: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        self.call("untag", arn, |kept, now| {
            active(kept)?;
            kept.secret.tags.remove(key);
            kept.secret.last_changed = Some(now);
            kept.changes += 1;
            Ok(())
        })
    }

    fn remove_replicas<'a>(
        &'a self,
        arn: &'a SecretArn,
        regions: &'a [Region],
    ) -> BoxFuture<'a, Result<(), Fault>> {
        self.call("remove", arn, |kept, now| {
            active(kept)?;
            let replicas = kept.secret.replicas.get_or_insert_default();
            replicas.retain(|replica| !regions.contains(&replica.region));
            kept.secret.last_changed = Some(now);
            kept.changes += 1;
            Ok(())
        })
    }

    fn replicate<'a>(
        &'a self,
        arn: &'a SecretArn,
        region: &'a Region,
        kms_key: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        self.call("replicate", arn, move |kept, now| {
            active(kept)?;
            kept.secret.replicas.get_or_insert_default().push(Replica {
                region: region.clone(),
                kms_key: kms_key.map(str::to_owned),
                status: None,
                last_accessed: None,
            });
            kept.secret.last_changed = Some(now);
            kept.changes += 1;
            Ok(())
        })
    }
}
