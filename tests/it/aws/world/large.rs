//! A large organization: the same secrets in every Region of every account.

use jiff::{SignedDuration, Timestamp};

use super::{Account, Event, Rate, Secret, World};
use crate::aws::Fault;

/// The name of the role that may be assumed in every account but the first.
pub const ROLE: &str = "audit";

/// Five Regions for it.
pub const REGIONS: [&str; 5] = [
    "us-east-1",
    "eu-west-1",
    "eu-central-1",
    "ap-south-1",
    "us-west-2",
];

/// The account and the Region where something goes wrong.
pub const DENIED: (u64, &str) = (3, REGIONS[1]);
/// As [`DENIED`]: where requests are throttled.
pub const THROTTLED: (u64, &str) = (5, REGIONS[2]);
/// As [`DENIED`]: where nobody answers.
pub const DEAD: (u64, &str) = (7, REGIONS[3]);

/// One Region denied, one throttled in this way, one without an endpoint.
pub fn three_faults(throttle: Fault) -> [Fault; 3] {
    let at = |fault: Fault, (place, region): (u64, &str)| {
        fault.account(&Large::account(place)).region(region)
    };
    [
        at(Fault::denied(), DENIED),
        at(throttle, THROTTLED),
        at(Fault::reset_before(), DEAD),
    ]
}

/// On how many days the first secret of each account and Region was read, once each.
const READS: i64 = 80;

/// The size of a large organization.
#[derive(Clone, Copy)]
pub struct Large {
    /// Accounts; the first one is the management account and the caller.
    pub accounts: u64,
    /// The Regions that are open in each of them.
    pub regions: &'static [&'static str],
    /// Secrets in each account and Region.
    pub secrets: u64,
}

impl Large {
    /// The id of an account by its place, from 0.
    pub fn account(place: u64) -> String {
        (111_100_000_000 + place).to_string()
    }

    /// Returns how many of the secrets in one account and Region were read yesterday; the others are idle.
    pub fn used(self) -> u64 {
        self.secrets.div_ceil(3)
    }

    /// The organization at this moment, with an event history that nobody slows down.
    pub fn world(self, now: Timestamp) -> World {
        let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
        let day = |days| ago(days).strftime("%Y-%m-%d").to_string();
        let (yesterday, long_ago) = (day(1), day(200));
        let mut world = World::new(&Self::account(0));
        world.now = now;
        for place in 0..self.accounts {
            let id = Self::account(place);
            world = world.account(Account::new(&id, &format!("account {place}")));
            if place > 0 {
                world = world.role(&id, ROLE, None);
            }
        }
        world = world
            .regions(self.regions)
            .organization(&Self::account(0))
            .lookup_rate(Rate::Unlimited);
        for (place, region) in (0..self.accounts)
            .flat_map(|place| self.regions.iter().map(move |region| (place, *region)))
        {
            let id = Self::account(place);
            for number in 0..self.secrets {
                let accessed = if number % 3 == 0 {
                    &yesterday
                } else {
                    &long_ago
                };
                world.add(
                    Secret::new(&id, region, &name(number))
                        .created("2024-01-01")
                        .accessed(accessed)
                        .tag("owner", &format!("team-{}", number % 17))
                        .tag("environment", "production")
                        .with(|secret| {
                            secret.description = Some(format!(
                                "Credentials of service {number}, kept by the platform team"
                            ));
                        }),
                );
            }
            let reads = (1..=READS).map(|days| {
                let time = ago(days).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
                Event::read(&time, &id, region, &name(0), "app", "i-0123456789abcdef0")
            });
            world.record(&id, region, reads);
        }
        world
    }
}

/// The name of a secret by its place in its account and Region.
fn name(number: u64) -> String {
    format!("team-{}/service-{number}/database", number % 17)
}
