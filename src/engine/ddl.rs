//! The definition of a table over a trail's bucket: what `secretsweep trail-ddl` prints.
//!
//! For Athena it is the table of AWS's documentation with partition projection (Athena User Guide, "Create a table for
//! CloudTrail logs in Athena using partition projection"), with every column that the query uses. Trino has no input format
//! for CloudTrail's files, so there it is a table with a row for each file, and a view that gives each record a row.

use super::table::{ColumnType, quoted};

/// The columns of the table, with the types that Hive gives them.
const COLUMNS: [(&str, &str); 29] = [
    ("eventversion", "string"),
    (
        "useridentity",
        "struct<type:string,principalid:string,arn:string,accountid:string,invokedby:string,accesskeyid:string,\
         username:string,sessioncontext:struct<attributes:struct<mfaauthenticated:string,creationdate:string>,\
         sessionissuer:struct<type:string,principalid:string,arn:string,accountid:string,username:string>,\
         ec2roledelivery:string,webidfederationdata:struct<federatedprovider:string,attributes:map<string,string>>>>",
    ),
    ("eventtime", "string"),
    ("eventsource", "string"),
    ("eventname", "string"),
    ("awsregion", "string"),
    ("sourceipaddress", "string"),
    ("useragent", "string"),
    ("errorcode", "string"),
    ("errormessage", "string"),
    ("requestparameters", "string"),
    ("responseelements", "string"),
    ("additionaleventdata", "string"),
    ("requestid", "string"),
    ("eventid", "string"),
    ("readonly", "string"),
    (
        "resources",
        "array<struct<arn:string,accountid:string,type:string>>",
    ),
    ("eventtype", "string"),
    ("apiversion", "string"),
    ("recipientaccountid", "string"),
    ("serviceeventdetails", "string"),
    ("sharedeventid", "string"),
    ("vpcendpointid", "string"),
    ("vpcendpointaccountid", "string"),
    ("eventcategory", "string"),
    (
        "addendum",
        "struct<reason:string,updatedfields:string,originalrequestid:string,originaleventid:string>",
    ),
    ("sessioncredentialfromconsole", "string"),
    ("edgedevicedetails", "string"),
    (
        "tlsdetails",
        "struct<tlsversion:string,ciphersuite:string,clientprovidedhostheader:string>",
    ),
];

/// The folder, accounts, Regions and days that the table is over, and its name.
#[derive(Clone, Debug)]
pub struct TrailTableRequest<'a> {
    /// The folder above the accounts: `s3://bucket/prefix/AWSLogs`, with the organization's id if there is one. No slash at
    /// the end.
    pub root: &'a str,
    /// The accounts.
    pub accounts: &'a [String],
    /// The Regions.
    pub regions: &'a [String],
    /// The first day that is asked for, such as `2026-01-01`.
    pub first_day: jiff::civil::Date,
    /// The name of the table, with its schema or database.
    pub name: &'a str,
}

/// The statement for Athena.
pub fn athena(request: &TrailTableRequest<'_>) -> String {
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|(name, kind)| format!("  {name} {kind}"))
        .collect();
    let TrailTableRequest { root, name, .. } = request;
    format!(
        "CREATE EXTERNAL TABLE {name} (\n{}\n)\n\
         PARTITIONED BY (account string, region string, `timestamp` string)\n\
         ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'\n\
         STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'\n\
         OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'\n\
         LOCATION '{root}/'\n\
         TBLPROPERTIES (\n  \
         'projection.enabled' = 'true',\n  \
         'projection.account.type' = 'enum',\n  \
         'projection.account.values' = '{}',\n  \
         'projection.region.type' = 'enum',\n  \
         'projection.region.values' = '{}',\n  \
         'projection.timestamp.type' = 'date',\n  \
         'projection.timestamp.format' = 'yyyy/MM/dd',\n  \
         'projection.timestamp.range' = '{},NOW',\n  \
         'projection.timestamp.interval' = '1',\n  \
         'projection.timestamp.interval.unit' = 'DAYS',\n  \
         'storage.location.template' = '{root}/${{account}}/CloudTrail/${{region}}/${{timestamp}}'\n)",
        columns.join(",\n"),
        request.accounts.join(","),
        request.regions.join(","),
        request.first_day.strftime("%Y/%m/%d"),
    )
}

/// The statements for Trino's Hive connector: the table of files, and the view of records.
pub fn trino(request: &TrailTableRequest<'_>) -> [String; 2] {
    let TrailTableRequest { root, name, .. } = request;
    let fields: Vec<String> = COLUMNS
        .iter()
        .map(|(name, kind)| format!("    {name} {}", trino_type(&ColumnType::parse(kind))))
        .collect();
    let list = |values: &[String]| {
        let quoted: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
        quoted.join(", ")
    };
    let files = format!(
        "CREATE TABLE {name}_files (\n  records array(row(\n{}\n  )),\n  \
         account varchar WITH (partition_projection_type = 'ENUM', partition_projection_values = ARRAY[{}]),\n  \
         region varchar WITH (partition_projection_type = 'ENUM', partition_projection_values = ARRAY[{}]),\n  \
         day varchar WITH (partition_projection_type = 'DATE', partition_projection_format = 'yyyy/MM/dd', \
         partition_projection_range = ARRAY['{}', 'NOW'], partition_projection_interval = 1, \
         partition_projection_interval_unit = 'DAYS')\n) WITH (\n  \
         format = 'OPENX_JSON',\n  \
         external_location = '{root}/',\n  \
         partitioned_by = ARRAY['account', 'region', 'day'],\n  \
         partition_projection_enabled = true,\n  \
         partition_projection_location_template = '{root}/${{account}}/CloudTrail/${{region}}/${{day}}'\n)",
        fields.join(",\n"),
        list(request.accounts),
        list(request.regions),
        request.first_day.strftime("%Y/%m/%d"),
    );
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    let view = format!(
        "CREATE VIEW {name} AS SELECT\n  {names},\n  account, region, day,\n  \"$path\" AS \"$path\"\n\
         FROM {name}_files\nCROSS JOIN UNNEST(records) AS record({names})"
    );
    [files, view]
}

/// A type as Trino writes it.
fn trino_type(kind: &ColumnType) -> String {
    match kind {
        ColumnType::Row(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, kind)| format!("{} {}", quoted(name), trino_type(kind)))
                .collect();
            format!("row({})", fields.join(", "))
        }
        ColumnType::Map => "map(varchar, varchar)".to_owned(),
        ColumnType::Array => "array(row(arn varchar, accountid varchar, type varchar))".to_owned(),
        ColumnType::Text | ColumnType::Timestamp | ColumnType::Scalar => "varchar".to_owned(),
    }
}
