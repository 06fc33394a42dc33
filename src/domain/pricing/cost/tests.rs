//! Costs of secrets by rate, by month, and where a part of the window is covered.

use super::*;
use crate::domain::base::money::PriceList;
use crate::domain::base::month::Month;
use crate::domain::base::names::SecretArn;

fn secret() -> Secret {
    Secret::new(
        SecretArn::new("arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbC123").unwrap(),
    )
}

fn cost(secret: &Secret, calls: u64, reads: u64, covered_hours: u64) -> [Option<i64>; 4] {
    let price = PriceList::built_in().rows[0].price;
    let cost = run_rate(
        secret,
        Volume { calls, reads },
        Rate::seconds(covered_hours * 3_600),
        Some(&price),
    );
    [cost.storage_usd, cost.api_usd, cost.kms_usd, cost.total_usd]
        .map(|part| part.map(|money| money.0))
}

#[test]
fn the_run_rate_scales_calls_and_not_storage() {
    let plain = secret();
    assert_eq!(
        cost(&plain, 720, 700, 720),
        [Some(400_000), Some(3_650), Some(0), Some(403_650)]
    );
    let keyed = Secret {
        kms_key: Some("arn:aws:kms:us-east-1:111122223333:key/1".to_owned()),
        ..secret()
    };
    assert_eq!(
        cost(&keyed, 730, 100, 730),
        [Some(400_000), Some(3_650), Some(300), Some(403_950)]
    );
    let aws_key = Secret {
        kms_key: Some("alias/aws/secretsmanager".to_owned()),
        ..secret()
    };
    assert_eq!(cost(&aws_key, 730, 100, 730)[2], Some(0));
}

#[test]
fn what_is_free_is_free_and_what_is_unknown_unknown() {
    let pending = Secret {
        deleted: Some("2026-10-01T00:00:00Z".parse().unwrap()),
        ..secret()
    };
    assert_eq!(cost(&pending, 0, 0, 730)[0], Some(0));
    let included = Secret {
        owning_service: Some("events".to_owned()),
        ..secret()
    };
    assert_eq!(cost(&included, 0, 0, 730)[0], Some(0));
    let charged = Secret {
        owning_service: Some("rds".to_owned()),
        ..secret()
    };
    assert_eq!(cost(&charged, 0, 0, 730)[0], Some(400_000));
    assert_eq!(
        cost(&secret(), 7, 7, 0),
        [Some(400_000), None, None, Some(400_000)]
    );
    let unknown = run_rate(
        &secret(),
        Volume::default(),
        Rate::seconds(730 * 3_600),
        None,
    );
    assert_eq!(unknown, Cost::default());
}

/// The cost of storage, in micro-dollars, in a span of a secret that was created and scheduled for deletion then.
fn storage(window: Span, accrual: Accrual, created: Option<&str>, deleted: Option<&str>) -> i64 {
    let price = PriceList::built_in().rows[0].price;
    let secret = Secret {
        created: created.map(|text| text.parse().unwrap()),
        deleted: deleted.map(|text| text.parse().unwrap()),
        ..secret()
    };
    let pieces = [WindowPiece::of_storage(Month::of(window.from), window)];
    let terms = WindowTerms {
        price: Some(&price),
        accrual,
        scale: None,
        counted: true,
    };
    let found = window_cost(&paid(&secret, &[]), &pieces, &terms, false);
    found.cost.storage_usd.unwrap().0
}

#[test]
fn storage_accrues_from_creation_until_deletion_is_scheduled() {
    for (month, created, deleted, micros) in [
        ("2026-02", None, None, 400_000),
        ("2028-02", None, None, 400_000),
        ("2026-10", None, None, 400_000),
        ("2026-10", Some("2026-10-16T12:00:00Z"), None, 200_000),
        ("2026-10", None, Some("2026-10-16T12:00:00Z"), 200_000),
        ("2026-10", Some("2026-10-17T00:00:00Z"), None, 193_548),
        ("2026-02", Some("2026-02-15T00:00:00Z"), None, 200_000),
        ("2028-02", Some("2028-02-29T00:00:00Z"), None, 13_793),
        (
            "2026-11",
            Some("2026-11-10T00:00:00Z"),
            Some("2026-11-11T00:00:00Z"),
            13_333,
        ),
        ("2026-11", Some("2026-11-30T23:30:00Z"), None, 278),
        ("2026-11", Some("2026-12-01T00:00:00Z"), None, 0),
        ("2026-11", None, Some("2026-11-01T00:00:00Z"), 0),
        (
            "2026-11",
            Some("2020-01-01T00:00:00Z"),
            Some("2027-01-01T00:00:00Z"),
            400_000,
        ),
        (
            "2026-11",
            Some("2026-11-11T00:00:00Z"),
            Some("2026-11-10T00:00:00Z"),
            0,
        ),
    ] {
        let month: Month = month.parse().unwrap();
        let accrual = Accrual::Month(month.hours());
        let found = storage(month.span(), accrual, created, deleted);
        assert_eq!(found, micros, "{month} {created:?} {deleted:?}");
    }
    let october = "2026-10".parse::<Month>().unwrap().span();
    assert_eq!(storage(october, Accrual::Sliding, None, None), 407_671);
}

fn span(from: &str, to: &str) -> Span {
    Span {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    }
}

#[test]
fn the_days_before_a_restoration_are_free() {
    let october = "2026-10".parse::<Month>().unwrap().span();
    let pending = [
        span("2026-09-25T00:00:00Z", "2026-10-02T00:00:00Z"),
        span("2026-10-10T00:00:00Z", "2026-10-20T00:00:00Z"),
    ];
    for (created, deleted, days) in [
        (None, None, 20),
        (Some("2026-10-05T00:00:00Z"), None, 17),
        (None, Some("2026-10-21T00:00:00Z"), 9),
        (None, Some("2026-10-15T00:00:00Z"), 8),
    ] {
        let moment = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let paid = billable(moment(created), moment(deleted), &pending);
        let found = paid_seconds(&paid, october);
        assert_eq!(found, days * 86_400, "{created:?} {deleted:?}");
    }
}

#[test]
fn half_of_a_window_is_scaled_to_all_of_it_and_said() {
    let price = PriceList::built_in().rows[0].price;
    let month: Month = "2026-10".parse().unwrap();
    let volume = |calls, reads| Volume { calls, reads };
    let cost = |seen, rated, covered| {
        let piece = WindowPiece {
            seen,
            rated,
            ..WindowPiece::of_storage(month, month.span())
        };
        let terms = WindowTerms {
            price: Some(&price),
            accrual: Accrual::Month(744),
            scale: Some(WindowScale {
                covered,
                whole: 744,
            }),
            counted: true,
        };
        let found = window_cost(&[], &[piece], &terms, true);
        let parts = [found.cost.api_usd, found.cost.kms_usd].map(|usd| usd.unwrap().0);
        (parts, found.detail.extrapolated_usd.0)
    };
    assert_eq!(cost(volume(100, 50), volume(100, 50), 744), ([500, 150], 0));
    assert_eq!(
        cost(volume(100, 50), volume(100, 50), 372),
        ([1_000, 300], 650)
    );
    // What was seen outside of the covered time was charged, too.
    assert_eq!(
        cost(volume(900, 50), volume(100, 50), 372),
        ([4_500, 300], 150)
    );
}

#[test]
fn the_months_of_a_window_add_up_to_it() {
    let price = PriceList::built_in().rows[0].price;
    let window = span("2026-09-11T00:00:00Z", "2026-11-10T00:00:00Z");
    let months = ["2026-09", "2026-10", "2026-11"].map(|text| text.parse::<Month>().unwrap());
    let pieces = months.map(|month| {
        let own = month.span();
        WindowPiece {
            seen: Volume { calls: 7, reads: 3 },
            rated: Volume { calls: 5, reads: 1 },
            ..WindowPiece::of_storage(
                month,
                Span {
                    from: own.from.max(window.from),
                    to: own.to.min(window.to),
                },
            )
        }
    });
    let terms = WindowTerms {
        price: Some(&price),
        accrual: Accrual::Sliding,
        scale: Some(WindowScale {
            covered: 700,
            whole: 1_001,
        }),
        counted: true,
    };
    let found = window_cost(&[window], &pieces, &terms, true);
    let sum = |of: fn(&Cost) -> Option<Money>| -> Money {
        let parts = found.detail.months.iter();
        parts.map(|part| of(&part.cost).unwrap()).sum()
    };
    assert_eq!(found.detail.months.len(), 3);
    assert_eq!(Some(sum(|cost| cost.total_usd)), found.cost.total_usd);
    assert_eq!(Some(sum(|cost| cost.api_usd)), found.cost.api_usd);
    assert_eq!(Some(sum(|cost| cost.storage_usd)), found.cost.storage_usd);
}
