//! Finding the parameter that was meant.

use super::TaskRequest;

/// Returns the parameter whose name looks most like `name`, if one does.
#[must_use]
pub fn nearest_parameter(name: &str) -> Option<&'static str> {
    let name = snake_case(name);
    if name.is_empty() {
        return None;
    }
    TaskRequest::PARAMETERS
        .iter()
        .map(|known| {
            let is_part = name.len() >= 4
                && (known.split('_').any(|part| part == name)
                    || name.split('_').any(|part| part == *known));
            let far = if is_part { 1 } else { distance(&name, known) };
            (far, *known)
        })
        .min()
        .filter(|(far, known)| *far <= 2.max(name.len().max(known.len()) / 3))
        .map(|(_, known)| known)
}

fn snake_case(name: &str) -> String {
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
            next.push(
                (diagonal + usize::from(from != *to))
                    .min(above + 1)
                    .min(left + 1),
            );
        }
        row = next;
    }
    row.last().copied().unwrap_or(a.len())
}
