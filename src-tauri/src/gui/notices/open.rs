//! The notifications that are open: one for each session, and what each of them waits for.

use mission_control_core::notice::{Notice, NoticeKind};
use mission_control_core::session::SessionId;
use tokio::task::{AbortHandle, JoinSet};

use crate::target::Target;
use crate::tasks::Decision;

/// Notifications that are open at a time. On Linux each holds a thread and a connection, and a
/// bus allows one person 256 of them. Beyond, the oldest is withdrawn.
const MOST_OPEN: usize = 32;

/// What a person did about a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Chose to go there.
    #[cfg_attr(
        not(any(target_os = "linux", test)),
        expect(dead_code, reason = "a click is followed on Linux only")
    )]
    Followed,
    /// Answered the request that stands in it.
    #[cfg_attr(
        not(any(target_os = "linux", test)),
        expect(dead_code, reason = "a request is answered on Linux only")
    )]
    Decided(Decision),
    /// Chose to go to the session's terminal.
    #[cfg_attr(
        not(any(target_os = "linux", test)),
        expect(dead_code, reason = "an action is heard of on Linux only")
    )]
    WentToTerminal,
    /// Wants to hear nothing of the session for a while.
    #[cfg_attr(
        not(any(target_os = "linux", test)),
        expect(dead_code, reason = "an action is heard of on Linux only")
    )]
    Snoozed,
    /// Nothing, or it went by itself.
    Closed,
}

/// A notification that a person did something about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reaction<H> {
    pub(super) target: Target,
    /// To be withdrawn.
    pub(super) handle: H,
    /// The request that was answered, and how.
    pub(super) decision: Option<(String, Decision)>,
    /// Where the person wants to go.
    pub(super) way: Way,
}

/// Where a person wants to go from a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To its page in the window.
    Window,
    /// To its session's terminal.
    Terminal,
    /// Nowhere: its session is to be silent for a while.
    Away,
}

/// Open notifications, the oldest first. Each is known by a handle `H`.
#[derive(Debug)]
pub(super) struct OpenNotices<H> {
    open: Vec<Open<H>>,
    waits: JoinSet<Answer>,
    /// The first one shown since none was open. GNOME Shell withdraws all notifications of a
    /// program when the connection of the first of them closes.
    first: Option<H>,
}

#[derive(Debug)]
struct Open<H> {
    session: Option<SessionId>,
    target: Target,
    kind: NoticeKind,
    request: Option<String>,
    handle: H,
    wait: AbortHandle,
}

impl<H: Clone> OpenNotices<H> {
    pub(super) fn new() -> Self {
        Self {
            open: Vec::new(),
            waits: JoinSet::new(),
            first: None,
        }
    }

    /// Returns the notification that `notice` takes the place of.
    pub(super) fn of(&self, notice: &Notice) -> Option<&H> {
        let open = self.open.iter().find(|open| open.is_before(notice));
        open.map(|open| &open.handle)
    }

    /// Takes out the notification about `target`, to be withdrawn.
    pub(super) fn take(&mut self, target: &Target) -> Option<H> {
        self.take_if(|open| open.is_about(target))
    }

    /// Takes out the request of `target`, to be withdrawn.
    pub(super) fn take_request(&mut self, target: &Target) -> Option<H> {
        self.take_if(|open| open.kind == NoticeKind::NeedsYou && open.is_about(target))
    }

    /// Takes in that `notice` is shown, in the place of its session's earlier one. Returns the
    /// oldest if there are too many: it is to be withdrawn.
    pub(super) fn opened(
        &mut self,
        notice: &Notice,
        handle: H,
        answer: impl Future<Output = Answer> + Send + 'static,
    ) -> Option<H> {
        let target = Target::of(notice)?;
        let wait = self.waits.spawn(answer);
        self.first.get_or_insert_with(|| handle.clone());
        if let Some(at) = self.open.iter().position(|open| open.is_before(notice)) {
            self.open.remove(at).wait.abort();
        }
        self.open.push(Open {
            session: notice.session_id.clone(),
            target,
            kind: notice.kind,
            request: notice.request_id.clone(),
            handle,
            wait,
        });
        (self.open.len() > MOST_OPEN).then(|| self.remove(0).handle)
    }

    /// Forgets all of them: whoever showed them is gone.
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.waits.abort_all();
        self.first = None;
    }

    /// Waits until a person does something about a notification and takes it out.
    pub(super) async fn reaction(&mut self) -> Reaction<H> {
        loop {
            // A wait that panicked says no more than that nothing will come.
            let (wait, answer) = match self.waits.join_next_with_id().await {
                Some(Ok((wait, answer))) => (wait, answer),
                Some(Err(error)) => {
                    if error.is_panic() {
                        tracing::warn!("A notification's answer cannot be heard.");
                    }
                    (error.id(), Answer::Closed)
                }
                None => std::future::pending().await,
            };
            let Some(at) = self.open.iter().position(|open| open.wait.id() == wait) else {
                continue;
            };
            let open = self.remove(at);
            let (decision, way) = match answer {
                Answer::Followed => (None, Way::Window),
                Answer::WentToTerminal => (None, Way::Terminal),
                Answer::Snoozed => (None, Way::Away),
                Answer::Decided(decision) => {
                    let decision = open.request.map(|request| (request, decision));
                    (decision, Way::Window)
                }
                Answer::Closed => continue,
            };
            return Reaction {
                target: open.target,
                handle: open.handle,
                decision,
                way,
            };
        }
    }

    fn take_if(&mut self, is_meant: impl Fn(&Open<H>) -> bool) -> Option<H> {
        let at = self.open.iter().position(is_meant)?;
        Some(self.remove(at).handle)
    }

    fn remove(&mut self, at: usize) -> Open<H> {
        let open = self.open.remove(at);
        open.wait.abort();
        if self.open.is_empty() {
            self.first = None;
        }
        open
    }
}

impl<H> Open<H> {
    /// Returns whether a notice about the same session or task is shown in its place.
    fn is_before(&self, notice: &Notice) -> bool {
        let same_session = self.session.is_some() && self.session == notice.session_id;
        same_session || Some(&self.target) == Target::of(notice).as_ref()
    }

    fn is_about(&self, target: &Target) -> bool {
        match target {
            Target::Session(session) => self.session.as_ref() == Some(session),
            Target::Task(_) => self.target == *target,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use mission_control_core::notice::NoticeId;
    use mission_control_core::source::Source;
    use mission_control_core::task::model::TaskId;

    use super::*;

    #[tokio::test]
    async fn a_click_leads_to_the_notices_target_once() {
        let mut open = OpenNotices::new();
        open.opened(&notice("1"), 1, pending());
        open.opened(&notice("2"), 2, ready(Answer::Followed));

        let expected = Reaction {
            target: page("2"),
            handle: 2,
            decision: None,
            way: Way::Window,
        };
        assert_eq!(open.reaction().await, expected);
        assert_eq!(open.of(&notice("1")), Some(&1));
        assert_eq!(open.of(&notice("2")), None);
    }

    #[tokio::test]
    async fn a_notification_may_lead_to_the_terminal() {
        let mut open = OpenNotices::new();
        open.opened(&notice("1"), 1, ready(Answer::WentToTerminal));

        let reaction = open.reaction().await;

        assert_eq!((reaction.target, reaction.way), (page("1"), Way::Terminal));

        open.opened(&notice("1"), 2, ready(Answer::Snoozed));
        let reaction = open.reaction().await;
        assert_eq!((reaction.target, reaction.way), (page("1"), Way::Away));
    }

    #[tokio::test]
    async fn a_later_notice_takes_the_place_of_its_sessions_earlier_one() {
        let mut open = OpenNotices::new();
        open.opened(&notice("1"), 1, pending());
        open.opened(&notice("1"), 2, pending());

        assert_eq!(open.take(&page("1")), Some(2));
        assert_eq!(open.take(&page("1")), None);
    }

    #[tokio::test]
    async fn a_wait_that_panics_or_closes_takes_nothing_else_along() {
        let mut open = OpenNotices::new();
        open.opened(&notice("1"), 1, async { panic!("as notify-rust does") });
        open.opened(&notice("2"), 2, ready(Answer::Closed));
        let (click, clicked) = tokio::sync::oneshot::channel();
        open.opened(&notice("3"), 3, async {
            clicked.await.unwrap();
            Answer::Followed
        });

        click.send(()).unwrap();

        assert_eq!(open.reaction().await.handle, 3);
        open.opened(&notice("4"), 4, ready(Answer::Followed));
        assert_eq!(open.reaction().await.handle, 4);
        assert_eq!(open.of(&notice("1")), None);
        assert_eq!(open.of(&notice("2")), None);
    }

    #[tokio::test]
    async fn beyond_the_limit_the_oldest_goes() {
        let mut open = OpenNotices::new();

        let gone: Vec<usize> = (0..MOST_OPEN + 2)
            .filter_map(|n| open.opened(&notice(&n.to_string()), n, pending()))
            .collect();

        assert_eq!(gone, [0, 1]);
    }

    #[tokio::test]
    async fn the_first_connection_lives_until_none_is_open() {
        let mut open = OpenNotices::new();
        open.opened(&notice("1"), 1, pending());
        open.opened(&notice("2"), 2, pending());

        open.take(&page("1"));
        assert_eq!(open.first, Some(1));
        open.take(&page("2"));

        assert_eq!(open.first, None);
    }

    #[tokio::test]
    async fn only_a_request_is_a_request() {
        let mut open = OpenNotices::new();
        let mut asking = notice("1");
        asking.kind = NoticeKind::NeedsYou;
        open.opened(&asking, 1, pending());
        open.opened(&notice("2"), 2, pending());

        assert_eq!(open.take_request(&page("1")), Some(1));
        assert_eq!(open.take_request(&page("2")), None);
    }

    #[tokio::test]
    async fn a_tasks_notice_takes_its_sessions_place_and_goes_to_the_task() {
        let task = "0199a2b3-1111-7222-8333-444455556666";
        let mut open = OpenNotices::new();
        let mut of_task = notice("1");
        of_task.task_id = Some(task.to_owned());
        open.opened(&notice("1"), 1, pending());
        open.opened(&of_task, 2, ready(Answer::Followed));

        let page_of_task = Target::Task(TaskId::parse(task).unwrap());
        let reaction = open.reaction().await;
        assert_eq!((reaction.target, reaction.handle), (page_of_task, 2));
        assert_eq!(open.take(&page("1")), None);
    }

    #[tokio::test]
    async fn an_answer_names_the_request_that_was_shown() {
        let mut open = OpenNotices::new();
        let mut asking = notice("1");
        asking.kind = NoticeKind::NeedsYou;
        asking.request_id = Some("r".to_owned());
        open.opened(&asking, 1, ready(Answer::Decided(Decision::Decline)));

        let decision = open.reaction().await.decision;

        assert_eq!(decision, Some(("r".to_owned(), Decision::Decline)));
    }

    fn page(of: &str) -> Target {
        Target::Session(id(of))
    }

    fn id(text: &str) -> SessionId {
        SessionId::new(Source::ALL[0], text)
    }

    fn notice(of: &str) -> Notice {
        let kind = NoticeKind::TurnCompleted;
        Notice {
            id: NoticeId::derive(&id(of), None, kind, None),
            kind,
            session_id: Some(id(of)),
            task_id: None,
            turn_id: None,
            request_id: None,
            title: "title".to_owned(),
            body: "body".to_owned(),
        }
    }
}
