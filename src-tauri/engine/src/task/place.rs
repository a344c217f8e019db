//! Which checkout and which repository a folder belongs to, without asking git.

use camino::{Utf8Path, Utf8PathBuf};

/// Where a task works, as far as others may be in its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder that is one checkout; the folder itself outside of repositories.
    pub(crate) tree: Utf8PathBuf,
    /// What all checkouts of a repository share; none outside of repositories.
    pub(crate) repository: Option<Utf8PathBuf>,
}

impl Place {
    /// Returns the place of a folder; links are followed.
    pub(crate) fn of(folder: &Utf8Path) -> Self {
        let folder = folder
            .canonicalize_utf8()
            .unwrap_or_else(|_| folder.to_owned());
        let found = folder.ancestors().find_map(|tree| {
            let repository = repository_of(tree)?;
            Some(Self {
                tree: tree.to_owned(),
                repository: Some(repository),
            })
        });
        found.unwrap_or(Self {
            tree: folder,
            repository: None,
        })
    }
}

/// `.git` is a folder, or a file that says where a linked checkout keeps its part.
fn repository_of(tree: &Utf8Path) -> Option<Utf8PathBuf> {
    let dot_git = tree.join(".git");
    let metadata = std::fs::metadata(&dot_git).ok()?;
    if metadata.is_dir() {
        return Some(dot_git);
    }
    let text = std::fs::read_to_string(&dot_git).ok()?;
    let own = tree.join(text.strip_prefix("gitdir:")?.trim());
    let common = match std::fs::read_to_string(own.join("commondir")) {
        Ok(common) => own.join(common.trim()),
        Err(_) => own,
    };
    Some(common.canonicalize_utf8().unwrap_or(common))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::temp_folder;

    #[test]
    fn checkouts_of_one_repository_differ_and_share_it() {
        let (_guard, folder) = temp_folder();
        let main = folder.join("main");
        let linked = folder.join("linked");
        std::fs::create_dir_all(main.join(".git/worktrees/linked")).unwrap();
        std::fs::create_dir_all(main.join("src/deep")).unwrap();
        std::fs::create_dir_all(&linked).unwrap();
        std::fs::write(main.join(".git/worktrees/linked/commondir"), "../..\n").unwrap();
        let pointer = format!("gitdir: {main}/.git/worktrees/linked\n");
        std::fs::write(linked.join(".git"), pointer).unwrap();

        let deep = Place::of(&main.join("src/deep"));
        let other = Place::of(&linked);

        assert_eq!(deep.tree, main);
        assert_eq!(other.tree, linked);
        assert_eq!(deep.repository, Some(main.join(".git")));
        assert_eq!(other.repository, deep.repository);
    }

    #[test]
    fn outside_of_repositories_the_folder_is_the_place() {
        // The temporary folder itself may lie in a repository.
        let folder = Utf8Path::new("/no-such-folder/deep");

        let place = Place::of(folder);

        assert_eq!(place.tree, folder);
        assert_eq!(place.repository, None);
    }
}
