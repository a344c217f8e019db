//! What an environment is built with: the commands that differ from stack to stack.

/// A stack that has a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stack {
    /// Node.js with npm, pnpm or yarn.
    Node,
    /// Python with pip, uv or Poetry.
    Python,
    /// Go modules.
    Go,
    /// Rust with cargo.
    Rust,
}

impl Stack {
    pub(crate) const ALL: [Self; 4] = [Self::Node, Self::Python, Self::Go, Self::Rust];

    /// The words callers use.
    pub(crate) const WORDS: &'static [&'static str] = &["node", "python", "go", "rust"];

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stack| stack.as_str() == word)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Python => "python",
            Self::Go => "go",
            Self::Rust => "rust",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Node => "Node.js and TypeScript",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::Rust => "Rust",
        }
    }

    /// Brings in everything that later needs the network.
    pub(crate) const fn install(self) -> &'static str {
        match self {
            Self::Node => {
                "if [ -f pnpm-lock.yaml ]; then\n  corepack enable && pnpm install --frozen-lockfile\n\
                 elif [ -f yarn.lock ]; then\n  corepack enable && yarn install\n\
                 elif [ -f package-lock.json ]; then\n  npm ci\nelse\n  npm install\nfi"
            }
            Self::Python => {
                "python3 -m venv .venv\n. .venv/bin/activate\n\
                 if [ -f uv.lock ]; then\n  pip install uv && uv sync --frozen --active\n\
                 elif [ -f poetry.lock ]; then\n  pip install poetry && poetry install\n\
                 elif [ -f requirements.txt ]; then\n  pip install -r requirements.txt\n\
                 else\n  pip install -e .\nfi"
            }
            Self::Go => "go mod download\ngo build ./...",
            Self::Rust => "cargo fetch --locked\ncargo build --all-targets",
        }
    }

    /// Brings what is cached up to date with another commit.
    pub(crate) const fn refresh(self) -> &'static str {
        match self {
            Self::Node => {
                "if [ -f pnpm-lock.yaml ]; then\n  pnpm install --frozen-lockfile\n\
                 elif [ -f yarn.lock ]; then\n  yarn install\nelse\n  npm install\nfi"
            }
            Self::Python => {
                ". .venv/bin/activate\n\
                 if [ -f uv.lock ]; then\n  uv sync --frozen --active\n\
                 elif [ -f poetry.lock ]; then\n  poetry install\n\
                 elif [ -f requirements.txt ]; then\n  pip install -r requirements.txt\nfi"
            }
            Self::Go => "go mod download",
            Self::Rust => "cargo fetch --locked",
        }
    }

    /// Tells whether the environment works.
    pub(crate) const fn check(self) -> &'static str {
        match self {
            Self::Node => "npm test",
            Self::Python => ". .venv/bin/activate && python -m pytest",
            Self::Go => "go test ./...",
            Self::Rust => "cargo test",
        }
    }

    /// Variables that make its tools behave in a container.
    pub(crate) const fn variables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Node => &[("CI", "1"), ("NODE_ENV", "development")],
            Self::Python => &[
                ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
                ("PYTHONUNBUFFERED", "1"),
            ],
            Self::Go => &[("GOFLAGS", "-mod=mod")],
            Self::Rust => &[("CARGO_TERM_COLOR", "never")],
        }
    }
}
