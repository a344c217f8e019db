//! Finding the name that was meant.

/// How long a word of a name must be to stand for the whole name, in bytes.
const MIN_WORD_LEN: usize = 3;

/// Returns what stands beside the spelling that looks most like `name`, if one looks like it.
///
/// A single word of a name stands for it: `schema` means `output_schema`.
pub fn nearest<'a, T>(name: &str, spellings: impl IntoIterator<Item = (&'a str, T)>) -> Option<T> {
    let name = snake_case(name);
    spellings
        .into_iter()
        .filter_map(|(spelling, meant)| {
            let spelling = snake_case(spelling);
            let most = 2.max(name.len().max(spelling.len()) / 3);
            let far = if is_word_of(&name, &spelling) || is_word_of(&spelling, &name) {
                1
            } else {
                distance(&name, &spelling)
            };
            (far <= most).then_some((far, meant))
        })
        .min_by_key(|(far, _)| *far)
        .map(|(_, meant)| meant)
}

/// Returns the name of `names` that looks most like `name`, if one looks like it.
pub fn nearest_name<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(name, names.into_iter().map(|name| (name, name)))
}

/// Returns a name written `likeThis`, `like-this`, `like.this` or `like this` as `like_this`.
#[must_use]
pub fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && after_lower {
            snake.push('_');
        }
        after_lower = c.is_lowercase() || c.is_numeric();
        match c {
            '-' | ' ' | '.' => snake.push('_'),
            c => snake.extend(c.to_lowercase()),
        }
    }
    snake
}

fn is_word_of(word: &str, name: &str) -> bool {
    word.len() >= MIN_WORD_LEN && name.split('_').any(|part| part == word)
}

/// The number of letters to add, drop or change to get from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for (pair, to) in row.windows(2).zip(&b) {
            let &[diagonal, above] = pair else { continue };
            let left = next.last().copied().unwrap_or(i + 1);
            let changed = diagonal + usize::from(from != *to);
            next.push(changed.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, names: &[&str], expected: Option<&str>) {
        assert_eq!(nearest_name(name, names.iter().copied()), expected);
    }

    #[test]
    fn the_likest_name_is_meant_if_one_is_like_it() {
        check("promt", &["prompt", "profile"], Some("prompt"));
        check("watsh", &["list", "watch"], Some("watch"));
        check("envPolicies", &["env_policy"], Some("env_policy"));
        check("dir", &["prompt", "working_dir"], Some("working_dir"));
        check("colour", &["prompt", "all"], None);
        check("", &["prompt", "model"], None);
        check("prompt", &[], None);
    }

    #[test]
    fn every_spelling_means_one_name() {
        for spelling in ["working_dir", "workingDir", "working-dir", "Working Dir"] {
            assert_eq!(snake_case(spelling), "working_dir");
        }
    }
}
