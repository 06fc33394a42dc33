//! Events of global services, which say little about the Region that they name.
//!
//! IAM, the global endpoint of STS and others are logged in the home Region of their partition wherever a call came from,
//! and a trail of another Region holds them, too (CloudTrail User Guide, "Global service events"). So outside of AWS's
//! folders they stand in a place of their own, and [`super::coverage`] decides whether they show the home Region.

/// Services whose events are logged in the home Region of their partition.
pub const GLOBAL_SERVICES: [&str; 10] = [
    "iam.amazonaws.com",
    "sts.amazonaws.com",
    "cloudfront.amazonaws.com",
    "route53.amazonaws.com",
    "route53domains.amazonaws.com",
    "organizations.amazonaws.com",
    "signin.amazonaws.com",
    "support.amazonaws.com",
    "waf.amazonaws.com",
    "shield.amazonaws.com",
];

/// Each home Region, and the place of its global events: the name of no Region, which sorts before all of them.
const HOME_REGIONS: [(&str, &str); 3] = [
    ("us-east-1", "!us-east-1"),
    ("us-gov-west-1", "!us-gov-west-1"),
    ("cn-north-1", "!cn-north-1"),
];

/// The place of the global events of a Region. `None`: it is no home Region.
pub fn place_of(region: &str) -> Option<&'static str> {
    let home = HOME_REGIONS.iter().find(|(home, _)| *home == region);
    home.map(|(_, place)| *place)
}

/// The home Region of a place of global events. `None`: it is a Region.
pub fn home_of(place: &str) -> Option<&'static str> {
    let home = HOME_REGIONS.iter().find(|(_, own)| *own == place);
    home.map(|(home, _)| *home)
}

/// Where an event that no path speaks for counts: in its Region, or among the global events of its home Region.
#[inline]
pub fn place_of_event<'r>(region: &'r str, service: &str) -> &'r str {
    match place_of(region) {
        Some(place) if GLOBAL_SERVICES.contains(&service) => place,
        _ => region,
    }
}
