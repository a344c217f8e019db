//! Tells of changes in folders, as far as the system can.
//!
//! Passes on which paths changed and nothing about what that means. Folders are watched without
//! what lies below them, and few at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::tail::FileIdentity;

/// Folders watched at a time. The usual homes and two dozen live sessions with sub-agents fit.
pub(crate) const MOST_FOLDERS: usize = 64;
/// Changes that wait to be taken. When more come, everything is looked at again instead.
const MOST_WAITING: usize = 1024;

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    /// These files and folders.
    Paths(BTreeSet<Utf8PathBuf>),
    /// Some changes were lost: anything may have changed.
    Anything,
}

/// The watched folders.
#[derive(Debug)]
pub(crate) struct FolderWatch {
    watcher: Result<RecommendedWatcher, String>,
    watched: BTreeMap<Utf8PathBuf, FileIdentity>,
    most: usize,
    waiting: mpsc::Receiver<Utf8PathBuf>,
    has_missed: Arc<AtomicBool>,
}

/// What became of the wish to watch some folders.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Watching {
    /// Folders that are watched from this moment on; what is in them may have changed before.
    /// Folders that vanished before they could be watched are among them.
    pub(crate) added: BTreeSet<Utf8PathBuf>,
    /// Why some of the folders are not watched, if so.
    pub(crate) hindrance: Option<String>,
}

impl FolderWatch {
    pub(crate) fn new(most: usize) -> Self {
        let (sender, waiting) = mpsc::channel(MOST_WAITING);
        let has_missed = Arc::new(AtomicBool::new(false));
        let missed = Arc::clone(&has_missed);
        let watcher = notify::recommended_watcher(move |event| pass_on(event, &sender, &missed))
            .map_err(|error| explain(&error));
        Self {
            watcher,
            watched: BTreeMap::new(),
            most,
            waiting,
            has_missed,
        }
    }

    /// Watches these folders and no others; the first ones where not all can be watched.
    pub(crate) fn set(&mut self, wanted: &[Utf8PathBuf]) -> Watching {
        let watcher = match &mut self.watcher {
            Ok(watcher) => watcher,
            Err(why) => {
                return Watching {
                    added: BTreeSet::new(),
                    hindrance: Some(why.clone()),
                };
            }
        };
        let most = wanted.get(..self.most).unwrap_or(wanted);
        let mut watching = Watching {
            added: BTreeSet::new(),
            hindrance: (most.len() < wanted.len())
                .then(|| format!("More than {} folders would have to be watched.", self.most)),
        };
        let current =
            |folder: &Utf8Path| std::fs::metadata(folder).ok().map(|m| FileIdentity::of(&m));
        let obsolete: Vec<Utf8PathBuf> = self
            .watched
            .iter()
            .filter(|(folder, identity)| {
                !most.contains(folder) || current(folder) != Some(**identity)
            })
            .map(|(folder, _)| folder.clone())
            .collect();
        for folder in obsolete {
            self.watched.remove(&folder);
            unwatch(watcher, &folder);
        }
        for folder in most {
            if self.watched.contains_key(folder) {
                continue;
            }
            let Some(identity) = current(folder) else {
                watching.added.insert(folder.clone());
                continue;
            };
            match watcher.watch(folder.as_std_path(), RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(folder.clone(), identity);
                    watching.added.insert(folder.clone());
                }
                Err(error) if is_missing(&error) => {
                    watching.added.insert(folder.clone());
                }
                // What may not be watched may not be listed either; the look at it says so.
                Err(error) if is_forbidden(&error) => {}
                Err(error) => {
                    watching.hindrance = Some(explain(&error));
                }
            }
        }
        watching
    }

    /// Waits for changes and returns all that are there.
    pub(crate) async fn changed(&mut self) -> Changes {
        let Some(first) = self.waiting.recv().await else {
            // Without a watcher nothing ever changes here.
            return std::future::pending().await;
        };
        let mut paths = BTreeSet::from([first]);
        while let Ok(path) = self.waiting.try_recv() {
            paths.insert(path);
        }
        if self.has_missed.swap(false, Ordering::Relaxed) {
            self.forget(|_| true);
            return Changes::Anything;
        }
        // A folder that was made, moved or removed itself is watched anew the next time, and so is
        // what lies below it: another one may have taken its name and even its number, and
        // the watcher drops such watches by name, new ones too.
        self.forget(|folder| paths.iter().any(|path| folder.starts_with(path)));
        Changes::Paths(paths)
    }

    fn forget(&mut self, is_meant: impl Fn(&Utf8Path) -> bool) {
        let Ok(watcher) = &mut self.watcher else {
            return;
        };
        self.watched.retain(|folder, _| {
            let is_meant = is_meant(folder);
            if is_meant {
                unwatch(watcher, folder);
            }
            !is_meant
        });
    }
}

fn unwatch(watcher: &mut RecommendedWatcher, folder: &Utf8Path) {
    if let Err(error) = watcher.unwatch(folder.as_std_path()) {
        tracing::debug!(%folder, %error, "A folder was no longer watched already.");
    }
}

fn pass_on(
    event: notify::Result<notify::Event>,
    sender: &mpsc::Sender<Utf8PathBuf>,
    missed: &AtomicBool,
) {
    let mut paths = match event {
        Ok(event) if event.need_rescan() => {
            missed.store(true, Ordering::Relaxed);
            Vec::new()
        }
        Ok(event) if is_change(event.kind) => event.paths,
        Ok(_) => return,
        Err(error) => {
            tracing::warn!(%error, "Watching folders met an error.");
            missed.store(true, Ordering::Relaxed);
            error.paths
        }
    };
    if paths.is_empty() {
        paths.push("/".into());
    }
    for path in paths {
        let Ok(path) = Utf8PathBuf::from_path_buf(path) else {
            continue;
        };
        if sender.try_send(path).is_err() {
            missed.store(true, Ordering::Relaxed);
        }
    }
}

/// Returns whether something was written, made, moved or removed. Reading is not told on: most
/// of that is our own.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Modify(ModifyKind::Metadata(_)) => false,
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

fn is_missing(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound | notify::ErrorKind::WatchNotFound => true,
        notify::ErrorKind::Io(_)
        | notify::ErrorKind::Generic(_)
        | notify::ErrorKind::InvalidConfig(_)
        | notify::ErrorKind::MaxFilesWatch => has_kind(error, io::ErrorKind::NotFound),
    }
}

fn is_forbidden(error: &notify::Error) -> bool {
    has_kind(error, io::ErrorKind::PermissionDenied)
}

fn has_kind(error: &notify::Error, kind: io::ErrorKind) -> bool {
    match &error.kind {
        notify::ErrorKind::Io(error) => error.kind() == kind,
        notify::ErrorKind::PathNotFound
        | notify::ErrorKind::WatchNotFound
        | notify::ErrorKind::Generic(_)
        | notify::ErrorKind::InvalidConfig(_)
        | notify::ErrorKind::MaxFilesWatch => false,
    }
}

fn explain(error: &notify::Error) -> String {
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            "The system reached its limit of file watches.".to_owned()
        }
        notify::ErrorKind::Generic(_)
        | notify::ErrorKind::Io(_)
        | notify::ErrorKind::PathNotFound
        | notify::ErrorKind::WatchNotFound
        | notify::ErrorKind::InvalidConfig(_) => format!("Folders cannot be watched: {error}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{block_on, temp_folder};

    fn path_changed(watch: &mut FolderWatch) -> BTreeSet<Utf8PathBuf> {
        match block_on(watch.changed()) {
            Changes::Paths(paths) => paths,
            Changes::Anything => panic!("nothing was missed"),
        }
    }

    #[test]
    fn writing_is_told_and_reading_is_not() {
        let (_guard, folder) = temp_folder();
        let path = folder.join("a");
        std::fs::write(&path, "1").unwrap();
        let mut watch = FolderWatch::new(MOST_FOLDERS);
        assert_eq!(watch.set(std::slice::from_ref(&folder)).added.len(), 1);

        std::fs::read(&path).unwrap();
        let other = folder.join("b");
        std::fs::write(&other, "1").unwrap();

        assert_eq!(path_changed(&mut watch), BTreeSet::from([other]));
    }

    #[test]
    fn beyond_the_limit_the_first_folders_are_watched_and_the_rest_is_said() {
        let (_guard, folder) = temp_folder();
        let folders = ["a", "b", "c"].map(|name| folder.join(name));
        for folder in &folders {
            std::fs::create_dir(folder).unwrap();
        }
        let mut watch = FolderWatch::new(2);

        let watching = watch.set(&folders);

        assert_eq!(watching.added.len(), 2);
        assert!(watching.hindrance.is_some());
        assert_eq!(watch.set(&folders[..2]), Watching::default());
    }

    #[test]
    fn a_folder_that_was_replaced_is_watched_anew() {
        let (_guard, folder) = temp_folder();
        let watched = folder.join("a");
        std::fs::create_dir(&watched).unwrap();
        let mut watch = FolderWatch::new(MOST_FOLDERS);
        let wanted = [watched.clone()];
        watch.set(&wanted);

        std::fs::rename(&watched, folder.join("old")).unwrap();
        std::fs::create_dir(&watched).unwrap();

        assert_eq!(watch.set(&wanted).added.len(), 1);
        std::fs::write(watched.join("file"), "").unwrap();
        while !path_changed(&mut watch).contains(&watched.join("file")) {
            if !watch.set(&wanted).added.is_empty() {
                std::fs::write(watched.join("file"), "").unwrap();
            }
        }
    }
}
