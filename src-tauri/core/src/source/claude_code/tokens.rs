//! Tokens of a whole session, counted from what each request cost.

use super::line::Usage;
use crate::session::Tokens;

/// Requests whose lines may still come. Two processes that write one transcript take turns.
const OPEN_REQUESTS: usize = 8;

/// What has been counted.
#[derive(Debug, Default)]
pub(super) struct Count {
    settled: Usage,
    thinking: u64,
    /// The latest requests, by their name: every line of an answer repeats what it cost.
    open: Vec<(String, Usage)>,
    /// Whether lines were passed over: then a sum would be a lie.
    has_gap: bool,
}

impl Count {
    /// Takes in that lines were passed over.
    pub(super) const fn passed_over(&mut self) {
        self.has_gap = true;
    }

    /// Takes in one line's cost and returns the sum if it changed.
    pub(super) fn add(&mut self, request: String, usage: Usage) -> Option<Tokens> {
        match self.open.iter_mut().find(|(known, _)| *known == request) {
            Some((_, known)) if *known == usage => return None,
            Some((_, known)) => *known = usage,
            None => {
                if self.open.len() >= OPEN_REQUESTS {
                    let (_, oldest) = self.open.remove(0);
                    self.thinking = self.thinking.saturating_add(thinking(oldest));
                    self.settled = sum(self.settled, oldest);
                }
                self.open.push((request, usage));
            }
        }
        Some(self.tokens(usage))
    }

    /// Returns the sum after the conversation was shortened to `context_used` tokens.
    pub(super) fn shortened(&self, context_used: u64) -> Tokens {
        Tokens {
            context_used: Some(context_used),
            ..self.tokens(Usage::default())
        }
    }

    fn tokens(&self, latest: Usage) -> Tokens {
        let context_used = Some(input(latest).saturating_add(latest.output_tokens));
        if self.has_gap {
            return Tokens {
                context_used,
                ..Tokens::default()
            };
        }
        let open = self.open.iter().map(|(_, usage)| *usage);
        let reasoning = open
            .clone()
            .map(thinking)
            .fold(self.thinking, u64::saturating_add);
        let all = open.fold(self.settled, sum);
        Tokens {
            input: input(all),
            cached_input: all.cache_read_input_tokens,
            output: all.output_tokens,
            reasoning,
            total: input(all).saturating_add(all.output_tokens),
            context_used,
            context_window: None,
        }
    }
}

const fn input(usage: Usage) -> u64 {
    usage
        .input_tokens
        .saturating_add(usage.cache_creation_input_tokens)
        .saturating_add(usage.cache_read_input_tokens)
}

fn thinking(usage: Usage) -> u64 {
    usage
        .output_tokens_details
        .map_or(0, |details| details.thinking_tokens)
}

const fn sum(a: Usage, b: Usage) -> Usage {
    Usage {
        input_tokens: a.input_tokens.saturating_add(b.input_tokens),
        cache_creation_input_tokens: a
            .cache_creation_input_tokens
            .saturating_add(b.cache_creation_input_tokens),
        cache_read_input_tokens: a
            .cache_read_input_tokens
            .saturating_add(b.cache_read_input_tokens),
        output_tokens: a.output_tokens.saturating_add(b.output_tokens),
        output_tokens_details: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input_tokens: u64, output_tokens: u64) -> Usage {
        Usage {
            input_tokens,
            output_tokens,
            cache_read_input_tokens: 100,
            ..Usage::default()
        }
    }

    #[test]
    fn an_answer_of_many_lines_counts_once() {
        let mut count = Count::default();

        count.add("a".to_owned(), usage(5, 1));
        assert_eq!(count.add("a".to_owned(), usage(5, 1)), None);
        count.add("a".to_owned(), usage(5, 7));
        let tokens = count.add("b".to_owned(), usage(5, 2)).unwrap();

        assert_eq!(
            (tokens.input, tokens.cached_input, tokens.output),
            (210, 200, 9)
        );
        assert_eq!(tokens.context_used, Some(107));
    }

    #[test]
    fn many_requests_add_up_and_a_gap_leaves_only_the_context() {
        let mut count = Count::default();
        for n in 0..20 {
            count.add(format!("{n}"), usage(1, 1));
        }
        assert_eq!(count.add("20".to_owned(), usage(1, 1)).unwrap().output, 21);

        count.passed_over();

        let tokens = count.add("21".to_owned(), usage(1, 1)).unwrap();
        assert_eq!((tokens.total, tokens.context_used), (0, Some(102)));
    }
}
