//! The everyday secrets of the example organization: the many that show nothing special and make up most of any account.
//!
//! The cast in `organization` has a secret for every feature. A real organization has hundreds beside them: databases,
//! queues, partners and flags of some fifty services, most of them in use, some forgotten. They are drawn here from a fixed
//! seed, each service by its own name, so that a service more or less changes nothing for the others. Each secret is drawn
//! together with the verdict that a scan must give it, so that the tests check all of them.

use std::sync::LazyLock;

use super::callers::{ClientKind, DemoCaller, service};
use super::organization::{CAST, DemoService, HOLE, services};
use super::random::SplitMix;
use super::roles::{Cast, Rotation, secret};
use crate::demo::locations::{IRELAND, STAGING, VIRGINIA};
use crate::domain::base::span::HOUR_S;

/// Sets how many everyday secrets there are. With those of the cast they make 300.
const COUNT: usize = 225;

/// Every secret of the example organization: those of the cast, and the everyday ones behind them. A secret's index here
/// is how the rest of the example names it. Which of them are written is up to the edition.
pub(super) static SECRETS: LazyLock<Vec<Cast>> = LazyLock::new(|| {
    let everyday = EVERYDAY.iter().map(|everyday| everyday.row);
    CAST.iter().copied().chain(everyday).collect()
});

/// The contents that services keep in secrets: the end of the name, and the description.
const CONTENTS: &[(&str, &str)] = &[
    ("postgres/app", "Application user of the database"),
    ("postgres/migrations", "Owner of the schema, for migrations"),
    ("postgres/readonly", "Read-only user for support"),
    ("redis/auth", "AUTH token of the cache"),
    ("kafka/sasl", "SASL user of the event stream"),
    ("jwt/signing-key", "Signs the tokens of the service"),
    (
        "webhook/signing-key",
        "Checks the signatures of incoming webhooks",
    ),
    ("oauth/client-secret", "Client of the identity provider"),
    ("sentry/dsn", "Where errors are sent"),
    ("launchdarkly/sdk-key", "Feature flags"),
    ("smtp/password", "User of the mail relay"),
    ("partner/api-key", "Key of the partner's API"),
    ("sftp/private-key", "Uploads to the partner"),
    ("twilio/auth-token", "Text messages and calls"),
];

/// The life of an everyday secret in the ninety days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Its service reads it once in so many seconds.
    Read { every: i64 },
    /// Its service keeps it in a cache, which asks for the description every hour.
    Cached,
    /// Nobody calls. The row says since when.
    Quiet,
}

/// An everyday secret.
pub(super) struct Everyday {
    pub(super) row: Cast,
    pub(super) life: Life,
    /// The index of its service in [`services`].
    service: usize,
}

impl Everyday {
    /// The role of its service.
    pub(super) fn caller(&self) -> &'static DemoCaller {
        &CALLERS[self.service]
    }
}

/// A drawn name. Rows hold it for the length of the program, as they hold those of the cast.
struct Drawn {
    name: String,
    about: &'static str,
    service: usize,
}

static NAMES: LazyLock<Vec<Drawn>> = LazyLock::new(|| {
    let mut names = Vec::new();
    for (index, service) in services().iter().enumerate() {
        let mut random = seed("contents", service);
        let mut contents = CONTENTS.to_vec();
        for _ in 0..2 + random.below(4) {
            let drawn = random.below(u32::try_from(contents.len()).unwrap_or(u32::MAX));
            let (end, about) = contents.remove(usize::try_from(drawn).unwrap_or(0));
            names.push(Drawn {
                name: format!("{}/{end}", service.name),
                about,
                service: index,
            });
        }
    }
    names
});

/// The everyday secrets, in the order of [`SECRETS`].
pub(super) static EVERYDAY: LazyLock<Vec<Everyday>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for drawn in NAMES.iter() {
        all.extend(secrets(drawn));
    }
    all.truncate(COUNT);
    all
});

/// The role of each service, in the order of [`services`].
static CALLERS: LazyLock<Vec<DemoCaller>> = LazyLock::new(|| {
    let named = services().iter().zip(CALLER_NAMES.iter());
    named
        .map(|(own, names)| {
            service(
                own.account,
                own.client,
                &own.name,
                &names.role,
                &names.network,
            )
        })
        .collect()
});

struct CallerNames {
    role: String,
    /// The first part of its addresses.
    network: String,
}

static CALLER_NAMES: LazyLock<Vec<CallerNames>> = LazyLock::new(|| {
    let indexed = services().iter().enumerate();
    indexed
        .map(|(index, service)| CallerNames {
            role: format!("{}-{}", service.name, service.client.role_ending()),
            network: match (service.account, service.region.as_str()) {
                (STAGING, _) => format!("10.61.{index}."),
                (_, VIRGINIA) => format!("10.21.{index}."),
                _ => format!("10.31.{index}."),
            },
        })
        .collect()
});

fn seed(purpose: &str, service: &DemoService) -> SplitMix {
    let DemoService {
        name,
        account,
        region,
        ..
    } = service;
    SplitMix::named(&format!("{purpose} {account} {region} {name}"))
}

/// The secret of a drawn name, and its replica if it has one.
fn secrets(drawn: &'static Drawn) -> Vec<Everyday> {
    let service = &services()[drawn.service];
    let mut random = seed(&drawn.name, service);
    let mut row = secret(service.account, &service.region, &drawn.name)
        .about(drawn.about)
        .created(140 + i64::from(random.below(1_000)));
    if !service.owner.is_empty() {
        row = row.owner(&service.owner);
    }
    if service.region == VIRGINIA && random.below(9) == 0 {
        row = row.customer_key();
    }
    let everyday = |row, life| Everyday {
        row,
        life,
        service: drawn.service,
    };
    match random.below(100) {
        0..=9 => vec![everyday(idle(&row, service, &mut random), Life::Quiet)],
        10 | 11 => vec![everyday(
            never_read(&row, service, &mut random),
            Life::Quiet,
        )],
        12 | 13 => vec![everyday(
            only_rotated(&row, service, &mut random),
            Life::Quiet,
        )],
        16..=18 => {
            let row = row.created(4 + i64::from(random.below(20)));
            let row = row.keep("too-young", "new, and not read yet");
            vec![everyday(row, Life::Quiet)]
        }
        19..=23 if service.client == ClientKind::JavaCache || service.account == STAGING => {
            vec![everyday(row.keep("recently-read", READ), rare(&mut random))]
        }
        19 | 20 if service.region == VIRGINIA => {
            let row = row.replicated();
            let replica = Cast {
                region: IRELAND,
                ..row
            };
            vec![
                everyday(row.keep("recently-read", READ), rare(&mut random)),
                everyday(
                    replica.keep("replica", "a replica that its service reads, too"),
                    rare(&mut random),
                ),
            ]
        }
        21..=26 => {
            let row = row.rotation(rotated(&mut random));
            vec![everyday(
                row.keep("recently-read", "rotated, and read by its service"),
                rare(&mut random),
            )]
        }
        _ if service.client == ClientKind::JavaCache => {
            let row = row.accessed(95 + i64::from(random.below(40)));
            let shows = "the cache of its service asks only DescribeSecret";
            vec![everyday(row.keep("cached-reader", shows), Life::Cached)]
        }
        _ => vec![everyday(row.keep("recently-read", READ), rare(&mut random))],
    }
}

const READ: &str = "its service reads it as healthy services do";

/// Reads that are far from a loop: from twice a day to every fourth day.
fn rare(random: &mut SplitMix) -> Life {
    const HOURS: [i64; 6] = [12, 24, 24, 48, 72, 96];
    let drawn = usize::try_from(random.below(6)).unwrap_or(0);
    Life::Read {
        every: HOURS[drawn] * HOUR_S,
    }
}

/// Returns whether the trail of the service's account and Region has the hole, so that nothing there is certainly
/// unused.
fn has_hole(service: &DemoService) -> bool {
    let (account, region, ..) = HOLE;
    service.account == account && service.region == region
}

fn idle(row: &Cast, service: &DemoService, random: &mut SplitMix) -> Cast {
    let days = 92 + i64::from(random.below(170));
    let row = row.accessed(days);
    let row = row.created(row.created.max(days + 60));
    if has_hole(service) {
        row.review("coverage-gap", "idle, but the trail has a hole")
    } else {
        row.delete("idle", "its service has stopped to need it")
    }
}

fn never_read(row: &Cast, service: &DemoService, random: &mut SplitMix) -> Cast {
    let row = row.created(100 + i64::from(random.below(200)));
    if has_hole(service) {
        row.review("coverage-gap", "never read, but the trail has a hole")
    } else {
        row.delete("never-read", "created for something that never came")
    }
}

fn only_rotated(row: &Cast, service: &DemoService, random: &mut SplitMix) -> Cast {
    let row = row.rotation(rotated(random));
    if has_hole(service) {
        row.review("coverage-gap", "only rotated, but the trail has a hole")
    } else {
        row.delete("maintenance-only", "only its rotation still reads it")
    }
}

/// A rotation every 30 days that works.
fn rotated(random: &mut SplitMix) -> Rotation {
    Rotation::Function {
        function: "rotate-service-user",
        every: 30,
        last: 2 + i64::from(random.below(26)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_everyday_secrets_and_the_cast_are_three_hundred() {
        let hostile = CAST.iter().filter(|cast| cast.hostile).count();
        assert_eq!(EVERYDAY.len(), COUNT);
        assert_eq!(SECRETS.len() - hostile, 300);
    }

    #[test]
    fn they_live_in_every_account_and_region() {
        let scopes = EVERYDAY
            .iter()
            .map(|everyday| (everyday.row.account, everyday.row.region));
        assert_eq!(
            scopes.collect::<BTreeSet<_>>().len(),
            super::super::organization::SCOPES.len()
        );
    }

    /// A plan of all deletions of the example must pass the guards of `apply`, so that a newcomer sees it through.
    #[test]
    fn a_plan_of_all_deletions_passes_the_guards() {
        let deletions = SECRETS.iter().filter(|row| row.verdict == "delete").count();
        assert!((40..=50).contains(&deletions), "{deletions} deletions");
    }

    #[test]
    fn a_replica_lies_in_another_region_than_its_primary() {
        let replicas = EVERYDAY.iter().filter(|one| one.row.reason == "replica");
        for replica in replicas {
            let primary = EVERYDAY.iter().find(|one| {
                one.row.name == replica.row.name && one.row.primary == Some(one.row.region)
            });
            assert!(primary.is_some(), "{}", replica.row.name);
        }
    }
}
