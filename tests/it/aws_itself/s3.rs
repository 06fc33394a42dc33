//! S3: pages, folders, parts, and who is refused.

use super::*;

#[tokio::test]
async fn objects_are_listed_by_prefix_folder_and_page_and_fetched_in_parts() {
    let mut bucket = Bucket::new("logs", A, EAST)
        .object("AWSLogs/1/a & b.json", "0123456789")
        .object("AWSLogs/1/c.json", "c")
        .object("AWSLogs/2/d.json", "d")
        .object("other", "x")
        .made("AWSLogs/3/big.gz", 100_000, || vec![7; 100_000]);
    bucket.put("zipped", Body::Bytes(vec![31, 139].into()));
    bucket.objects.get_mut("zipped").unwrap().content_encoding = Some("gzip".to_owned());
    let aws = Aws::start(World::new(A).bucket(bucket));
    let client = store(&aws, A, EAST).await;
    let list = || client.list_objects_v2().bucket("logs");

    let mut keys = Vec::new();
    let mut pages = list()
        .prefix("AWSLogs/")
        .max_keys(1)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        keys.extend(
            page.unwrap()
                .contents()
                .iter()
                .map(|object| object.key().unwrap().to_owned()),
        );
    }
    assert_eq!(
        keys,
        [
            "AWSLogs/1/a & b.json",
            "AWSLogs/1/c.json",
            "AWSLogs/2/d.json",
            "AWSLogs/3/big.gz"
        ]
    );
    let mut folders = Vec::new();
    let mut pages = list()
        .prefix("AWSLogs/")
        .delimiter("/")
        .max_keys(2)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        folders.extend(
            page.unwrap()
                .common_prefixes()
                .iter()
                .map(|folder| folder.prefix().unwrap().to_owned()),
        );
    }
    assert_eq!(folders, ["AWSLogs/1/", "AWSLogs/2/", "AWSLogs/3/"]);
    let after = list().start_after("AWSLogs/3/big.gz").send().await.unwrap();
    assert_eq!(after.key_count(), Some(2));
    assert_eq!(after.contents()[0].size(), Some(1));
    let encoded = list()
        .prefix("AWSLogs/1/a")
        .encoding_type(aws_sdk_s3::types::EncodingType::Url)
        .send()
        .await
        .unwrap();
    assert_eq!(
        encoded.contents()[0].key(),
        Some("AWSLogs/1/a%20%26%20b.json")
    );
    assert_eq!(
        code(list().continuation_token("xyz").send().await),
        "InvalidArgument"
    );

    let get = |key: &str| client.get_object().bucket("logs").key(key);
    let whole = get("AWSLogs/1/a & b.json").send().await.unwrap();
    let etag = whole.e_tag().unwrap().to_owned();
    assert_eq!(whole.body.collect().await.unwrap().to_vec(), b"0123456789");
    for (range, expected) in [
        ("bytes=2-4", "234"),
        ("bytes=7-", "789"),
        ("bytes=-2", "89"),
        ("bytes=8-99", "89"),
    ] {
        let part = get("AWSLogs/1/a & b.json")
            .range(range)
            .if_match(&etag)
            .send()
            .await
            .unwrap();
        assert_eq!(
            part.body.collect().await.unwrap().to_vec(),
            expected.as_bytes(),
            "{range}"
        );
    }
    assert_eq!(
        code(get("AWSLogs/1/c.json").range("bytes=5-6").send().await),
        "InvalidRange"
    );
    assert_eq!(
        code(get("AWSLogs/1/c.json").if_match("\"x\"").send().await),
        "PreconditionFailed"
    );
    assert_eq!(
        get("AWSLogs/3/big.gz")
            .send()
            .await
            .unwrap()
            .body
            .collect()
            .await
            .unwrap()
            .to_vec()
            .len(),
        100_000
    );
    assert_eq!(
        get("zipped").send().await.unwrap().content_encoding(),
        Some("gzip")
    );
    assert_eq!(code(get("none").send().await), "NoSuchKey");
    let head = client
        .head_object()
        .bucket("logs")
        .key("other")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length(), Some(1));
}

#[tokio::test]
async fn buckets_refuse_strangers_wrong_regions_and_closed_prefixes() {
    let shared = Bucket::new("paid", A, WEST)
        .shared_with(B)
        .requester_pays()
        .object("a", "1");
    let own = Bucket::new("own", A, EAST)
        .closed("secret/")
        .object("secret/x", "1");
    let aws = Aws::start(
        World::new(A)
            .account(Account::new(B, "other"))
            .bucket(shared)
            .bucket(own),
    );
    let (east, west) = (store(&aws, A, EAST).await, store(&aws, B, WEST).await);

    let moved = east
        .list_objects_v2()
        .bucket("paid")
        .send()
        .await
        .unwrap_err();
    assert_eq!(moved.code(), Some("PermanentRedirect"));
    assert_eq!(
        moved
            .raw_response()
            .unwrap()
            .headers()
            .get("x-amz-bucket-region"),
        Some(WEST)
    );
    let head = east.head_bucket().bucket("paid").send().await.unwrap_err();
    assert_eq!(head.raw_response().unwrap().status().as_u16(), 301);
    let place = east
        .get_bucket_location()
        .bucket("paid")
        .send()
        .await
        .unwrap();
    assert_eq!(place.location_constraint().unwrap().as_str(), WEST);
    let place = east
        .get_bucket_location()
        .bucket("own")
        .send()
        .await
        .unwrap();
    assert!(
        place
            .location_constraint()
            .is_none_or(|place| place.as_str().is_empty())
    );
    assert_eq!(
        east.head_bucket()
            .bucket("own")
            .send()
            .await
            .unwrap()
            .bucket_region(),
        Some(EAST)
    );

    assert_eq!(
        code(west.get_object().bucket("paid").key("a").send().await),
        "AccessDenied"
    );
    let paying = west
        .get_object()
        .bucket("paid")
        .key("a")
        .request_payer(RequestPayer::Requester);
    paying.send().await.unwrap();
    let stranger = store(&aws, B, EAST).await;
    assert_eq!(
        code(stranger.list_objects_v2().bucket("own").send().await),
        "AccessDenied"
    );
    assert_eq!(
        code(
            east.list_objects_v2()
                .bucket("own")
                .prefix("secret/")
                .send()
                .await
        ),
        "AccessDenied"
    );
    assert_eq!(
        code(east.get_object().bucket("own").key("secret/x").send().await),
        "AccessDenied"
    );
    assert_eq!(
        code(east.list_objects_v2().bucket("none").send().await),
        "NoSuchBucket"
    );
    assert_eq!(
        code(east.list_objects().bucket("own").send().await),
        "NotImplemented"
    );
    assert_eq!(
        code(
            east.delete_object()
                .bucket("own")
                .key("secret/x")
                .send()
                .await
        ),
        "MethodNotAllowed"
    );
}
