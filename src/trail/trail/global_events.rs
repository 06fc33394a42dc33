//! Events of global services, which say little about the Region that they name.
//!
//! IAM, the global endpoint of STS and others are logged in the home Region of their partition wherever a call came from,
//! and a trail of another Region holds them, too (CloudTrail User Guide, "Global service events"). So outside of AWS's
//! folders they count in a pseudo Region of their own, and [`super::coverage`] decides whether they show the home
//! Region.

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

/// Each home Region, and the pseudo Region of its global events: the name of no Region, which sorts before all of them.
const HOME_REGIONS: [(&str, &str); 3] = [
    ("us-east-1", "!us-east-1"),
    ("us-gov-west-1", "!us-gov-west-1"),
    ("cn-north-1", "!cn-north-1"),
];

/// The pseudo Region of the global events of a Region. `None`: it is no home Region.
pub fn pseudo_region_of(region: &str) -> Option<&'static str> {
    let home = HOME_REGIONS.iter().find(|(home, _)| *home == region);
    home.map(|(_, pseudo_region)| *pseudo_region)
}

/// The home Region of a pseudo Region of global events. `None`: it is a Region.
pub fn home_of(pseudo_region: &str) -> Option<&'static str> {
    let home = HOME_REGIONS.iter().find(|(_, own)| *own == pseudo_region);
    home.map(|(home, _)| *home)
}

/// Returns where an event that no path speaks for counts: in its Region, or in the pseudo Region of global events.
#[inline]
pub fn region_of_event<'r>(region: &'r str, service: &str) -> &'r str {
    match pseudo_region_of(region) {
        Some(pseudo_region) if GLOBAL_SERVICES.contains(&service) => pseudo_region,
        _ => region,
    }
}
