//! What is removed, what stays, and that cutting changes nothing.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(redact(text).text, expected);
}

#[track_caller]
fn check_stays(text: &str) {
    assert_eq!(redact(text).text, text);
}

const KEY: &str = "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R";

#[test]
fn keys_are_known_by_their_form() {
    for (secret, kind) in [
        (format!("sk-{KEY}"), "api_key"),
        (format!("sk-proj-{KEY}_-{KEY}"), "api_key"),
        (format!("sk-ant-api03-{KEY}"), "api_key"),
        (format!("ghp_{KEY}"), "github_token"),
        (format!("gho_{KEY}"), "github_token"),
        (format!("ghs_{KEY}"), "github_token"),
        (format!("ghu_{KEY}"), "github_token"),
        (format!("ghr_{KEY}"), "github_token"),
        (format!("github_pat_{KEY}_{KEY}"), "github_token"),
        ("AKIAIOSFODNN7EXAMPLE".to_owned(), "aws_key_id"),
        ("ASIAIOSFODNN7EXAMPLE".to_owned(), "aws_key_id"),
        ("xoxb-123456789012-abcdefABCDEF".to_owned(), "slack_token"),
        ("xoxp-123456789012-abcdefABCDEF".to_owned(), "slack_token"),
        (format!("AIza{}", KEY.get(..35).unwrap()), "google_key"),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
                .to_owned(),
            "jwt",
        ),
    ] {
        for (before, after) in [
            ("", ""),
            ("key ", " end"),
            ("\"", "\""),
            ("a\\n", "\\n"),
            ("\u{1b}[31m", "\u{1b}[0m"),
            ("(", ")"),
        ] {
            check(
                &format!("{before}{secret}{after}"),
                &format!("{before}[redacted:{kind}]{after}"),
            );
        }
    }
}

#[test]
fn values_are_known_by_the_name_before_them() {
    check("DB_PASSWORD=hunter22", "DB_PASSWORD=[redacted:assignment]");
    check(
        "export MY_SECRET='a b c d'",
        "export MY_SECRET='[redacted:assignment]'",
    );
    check(
        "GITHUB_TOKEN=abcd1234",
        "GITHUB_TOKEN=[redacted:assignment]",
    );
    check(
        "STRIPE_API_KEY=\"live12345\"",
        "STRIPE_API_KEY=\"[redacted:assignment]\"",
    );
    check(
        "{\"password\": \"hunter2\"}",
        "{\"password\": \"[redacted:assignment]\"}",
    );
    check(
        r#"{"text":"{\"api_key\":\"hunter2\"}"}"#,
        r#"{"text":"{\"api_key\":\"[redacted:assignment]\"}"}"#,
    );
    check("api_key = 'abc123xyz'", "api_key = '[redacted:assignment]'");
    check("apiKey: \"abc123xyz\"", "apiKey: \"[redacted:assignment]\"");
    check(
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "aws_secret_access_key = [redacted:assignment]",
    );
    check(
        "https://x.test/?access_token=abc123def&a=1",
        "https://x.test/?access_token=[redacted:assignment]&a=1",
    );
    check(
        "tool --api-key abcdefgh1 --fast",
        "tool --api-key [redacted:assignment] --fast",
    );
    check(
        &format!("OPENAI_API_KEY=sk-{KEY}"),
        "OPENAI_API_KEY=[redacted:assignment]",
    );
}

#[test]
fn headers_and_addresses_give_their_credentials_away() {
    check(
        "Authorization: Bearer abcdef0123456789abcdef",
        "Authorization: Bearer [redacted:authorization]",
    );
    check(
        "authorization: Basic dXNlcjpwYXNz",
        "authorization: Basic [redacted:authorization]",
    );
    for scheme in [
        "postgres",
        "mysql",
        "mongodb+srv",
        "redis",
        "amqp",
        "https",
        "ftp",
    ] {
        check(
            &format!("{scheme}://user:p@ss:word@host:5432/db"),
            &format!("{scheme}://user:[redacted:url_credentials]@host:5432/db"),
        );
    }
    check_stays("https://user@host/path and ssh://git@github.com:22/x");
}

#[test]
fn a_private_key_goes_whole_over_many_lines_and_within_json() {
    let block =
        format!("-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n{KEY}\n-----END RSA PRIVATE KEY-----");

    check(&format!("a\n{block}\nb"), "a\n[redacted:private_key]\nb");
    check(
        &format!("{{\"k\":\"{}\"}}", block.replace('\n', "\\n")),
        "{\"k\":\"[redacted:private_key]\"}",
    );
    check(
        &format!("x {}", block.get(..60).unwrap()),
        "x [redacted:private_key]",
    );
    check_stays("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----");
}

#[test]
fn hashes_ids_and_code_stay() {
    for text in [
        "d41d8cd98f00b204e9800998ecf8427e",
        "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "0199a2b3-1111-7222-8333-444455556666",
        "session 019f-task-manager risk-assessment-of-the-whole-thing desk-lamp",
        "sk-fading-circle sk-learn",
        "token = parser.next_token()",
        "let password = read_password(&prompt)?;",
        "PASSWORD=$DB_PASSWORD TOKEN=${TOKEN} KEY=<your key>",
        "PRIMARY_KEY=id SORT_KEY=created_at CACHE_KEY=2fd4e1c67a2d28fced849ee1bb76e739",
        "max_tokens: 4096, input_tokens=50951 tokens: 12",
        "PWD=/home/dev/acme OLDPWD=/",
        "password: required",
        "bearer of good news arrives tomorrow",
        "AKIA is a prefix, so is AIza, ghp_ and xoxb-",
        "eyJ is how base64 of a brace begins",
        "see http://localhost:8080/a@b and mailto:a@b.c",
    ] {
        check_stays(text);
    }
}

#[test]
fn secrets_are_counted_by_kind() {
    let redacted = redact(&format!("ghp_{KEY} ghp_{KEY} DB_PASSWORD=hunter22"));

    assert_eq!(
        redacted.counts.0,
        BTreeMap::from([(SecretKind::GithubToken, 2), (SecretKind::Assignment, 1)])
    );
    assert_eq!(redacted.counts.total(), 3);
}

#[test]
fn an_argument_behind_a_secret_option_is_removed_too() {
    let arguments = [
        "tool",
        "--password",
        "abc",
        "--token=abc12345",
        "-c",
        "x=1",
        "--key-file",
        "f",
    ]
    .map(str::to_owned);

    let (clean, counts) = redact_arguments(&arguments);

    assert_eq!(
        clean,
        [
            "tool",
            "--password",
            "[redacted:assignment]",
            "--token=[redacted:assignment]",
            "-c",
            "x=1",
            "--key-file",
            "f"
        ]
    );
    assert_eq!(counts.total(), 2);
}

#[test]
fn a_line_longer_than_any_window_is_read_in_steps() {
    let filler = "lorem ipsum ".repeat(20_000);
    let text = format!("{filler}ghp_{KEY} {filler}DB_PASSWORD=hunter22 {filler}");

    check(
        &text,
        &format!(
            "{filler}[redacted:github_token] {filler}DB_PASSWORD=[redacted:assignment] {filler}"
        ),
    );
}

#[test]
fn a_token_longer_than_any_window_goes_whole() {
    let text = format!("DB_PASSWORD={} end", "a1".repeat(100_000));

    check(&text, "DB_PASSWORD=[redacted:assignment] end");
}

#[test]
fn what_is_held_back_is_bounded() {
    let mut redactor = Redactor::default();
    let mut n_out = 0;

    for _ in 0..100 {
        n_out += redactor.read(&[b'a'; 10_000]).len();
    }

    assert!(n_out > 900_000, "{n_out}");
    assert!(redactor.pending.len() <= WINDOW_BYTES + CONTEXT_BYTES);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However the text is cut, the result is the same.
    #[test]
    fn cutting_changes_nothing(
        parts in prop::collection::vec(0usize..SAMPLES.len(), 1..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let text: String = parts.iter().map(|part| SAMPLES[*part]).collect();
        check_cuts(text.as_bytes(), &cuts)?;
    }

    /// Also within lines longer than any window.
    #[test]
    fn cutting_long_lines_changes_nothing(
        parts in prop::collection::vec((0usize..SAMPLES.len(), 1usize..9_000), 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let text: String = parts
            .iter()
            .map(|(part, n)| format!("{}{}", "word ".repeat(*n), SAMPLES[*part].trim_end()))
            .collect();
        check_cuts(text.as_bytes(), &cuts)?;
    }

    /// What was cleaned once stays as it is.
    #[test]
    fn cleaning_twice_changes_nothing(parts in prop::collection::vec(0usize..SAMPLES.len(), 1..12)) {
        let text: String = parts.iter().map(|part| SAMPLES[*part]).collect();
        let once = redact(&text).text;

        prop_assert_eq!(&redact(&once).text, &once);
    }

    /// Any bytes are read without panic, and valid text stays valid.
    #[test]
    fn foreign_bytes_never_panic(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut redactor = Redactor::default();
        redactor.read(&bytes);
        redactor.finish();

        let replaced = char::REPLACEMENT_CHARACTER;
        prop_assert!(!redact(&text).text.contains(replaced) || text.contains(replaced));
    }
}

const SAMPLES: &[&str] = &[
    "plain words\n",
    "sk-proj-0a1B2c3D4e5F6g7H8i9J0k1L2m3N ",
    "ghp_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R\n",
    "-----BEGIN PRIVATE KEY-----\nMIIE\nabc\n-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nMIIE\n",
    "AKIAIOSFODNN7EXAMPLE",
    "postgres://u:secret@h/db ",
    "PASSWORD=",
    "hunter22 ",
    "\"api_key\": \"abcdef123\"",
    "Authorization: Bearer abcdef0123456789abcdef\r\n",
    "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12 ",
    "\\n",
    "é",
    "[redacted:jwt]",
    "=",
];

fn check_cuts(text: &[u8], cuts: &[prop::sample::Index]) -> Result<(), TestCaseError> {
    let mut whole = Redactor::default();
    let mut expected = whole.read(text);
    expected.extend(whole.finish());

    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    cuts.sort_unstable();
    let mut redactor = Redactor::default();
    let mut found = Vec::new();
    let mut from = 0;
    for cut in cuts {
        found.extend(redactor.read(&text[from..cut]));
        from = cut;
    }
    found.extend(redactor.read(&text[from..]));
    found.extend(redactor.finish());

    prop_assert_eq!(found, expected);
    prop_assert_eq!(redactor.counts(), whole.counts());
    Ok(())
}
