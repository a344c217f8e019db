//! Whether Claude Code runs a hook: every one of a person's own settings, unless these say that
//! none is run.

use camino::Utf8Path;
use serde::Deserialize;

use crate::hooks::Trust;

#[derive(Deserialize)]
struct Settings {
    #[serde(default, rename = "disableAllHooks")]
    disable_all_hooks: serde_json::Value,
}

/// Reads the settings of a home.
pub(crate) fn trust(home: &Utf8Path) -> Trust {
    let path = home.join("settings.json");
    let settings = std::fs::read(&path)
        .map_err(|error| error.to_string())
        .and_then(|text| {
            serde_json::from_slice::<Settings>(&text).map_err(|error| error.to_string())
        });
    match settings {
        Ok(settings) if settings.disable_all_hooks == true => Trust::Disabled,
        Ok(_) => Trust::Trusted,
        Err(why) => Trust::Unknown {
            why: format!("`{path}` cannot be read: {why}."),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_hooks_or_none_are_run() {
        let home = tempfile::tempdir().unwrap();
        let home = Utf8Path::from_path(home.path()).unwrap();
        let check = |text: &str, expected: &Trust| {
            std::fs::write(home.join("settings.json"), text).unwrap();
            assert_eq!(trust(home), *expected, "{text}");
        };

        check("{}", &Trust::Trusted);
        check(r#"{"disableAllHooks": false}"#, &Trust::Trusted);
        check(r#"{"disableAllHooks": true}"#, &Trust::Disabled);
        std::fs::remove_file(home.join("settings.json")).unwrap();
        assert!(matches!(trust(home), Trust::Unknown { .. }));
    }
}
