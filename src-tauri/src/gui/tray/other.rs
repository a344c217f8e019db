//! The tray through Tauri, for macOS and Windows. It has not been run on either.

use mission_control_core::health::Problem;
use mission_control_core::task::model::TaskId;
use tauri::menu::{IsMenuItem, MenuBuilder, MenuItemBuilder, PredefinedMenuItem, SubmenuBuilder};
use tauri::tray::{
    MouseButton, MouseButtonState, TrayIcon as Drawn, TrayIconBuilder, TrayIconEvent,
};
use tauri::{AppHandle, Wry};

use super::pictures::pictures_of;
use super::{Choice, MenuEntry, TrayState};
use crate::problems;
use crate::sessions::Wish;
use crate::target::{Target, session_id};
use crate::tick::{Tick, Ticks};

/// The icon in the tray.
pub(crate) struct Tray {
    drawn: Drawn<Wry>,
    app: AppHandle,
}

/// Puts the icon into the tray.
pub(crate) async fn start(
    app: &AppHandle,
    state: TrayState,
    ticks: Ticks,
) -> Result<Tray, Problem> {
    let chosen = ticks.clone();
    let drawn = TrayIconBuilder::new()
        .show_menu_on_left_click(false)
        .on_tray_icon_event(move |_, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left | MouseButton::Middle,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                ticks.send(Tick::Chose(Choice::Open));
            }
        })
        .on_menu_event(move |_, event| {
            if let Some(choice) = choice_of(event.id.as_ref()) {
                chosen.send(Tick::Chose(choice));
            }
        })
        .build(app)
        .map_err(|error| problems::tray_refused(&error.to_string()))?;
    let tray = Tray {
        drawn,
        app: app.clone(),
    };
    tray.draw(state).await;
    Ok(tray)
}

impl Tray {
    /// Draws `state`.
    pub(crate) async fn draw(&self, state: TrayState) {
        if let Err(error) = self.draw_all(state) {
            tracing::warn!(%error, "The tray cannot be drawn.");
        }
    }

    fn draw_all(&self, state: TrayState) -> tauri::Result<()> {
        self.drawn
            .set_icon(pictures_of(state.icon).last().cloned())?;
        self.drawn
            .set_tooltip(Some(format!("Mission Control\n{}", state.tooltip)))?;
        let mut menu = MenuBuilder::new(&self.app);
        for entry in state.menu {
            menu = menu.item(self.item(entry)?.as_ref());
        }
        self.drawn.set_menu(Some(menu.build()?))?;
        Ok(())
    }

    fn item(&self, entry: MenuEntry) -> tauri::Result<Box<dyn IsMenuItem<Wry>>> {
        Ok(match entry {
            MenuEntry::Heading(text) => {
                Box::new(MenuItemBuilder::new(text).enabled(false).build(&self.app)?)
            }
            MenuEntry::Choice { label, choice } => {
                Box::new(MenuItemBuilder::with_id(key_of(&choice), label).build(&self.app)?)
            }
            MenuEntry::Submenu { label, entries } => {
                let mut menu = SubmenuBuilder::new(&self.app, label);
                for entry in entries {
                    menu = menu.item(self.item(entry)?.as_ref());
                }
                Box::new(menu.build()?)
            }
            MenuEntry::Separator => Box::new(PredefinedMenuItem::separator(&self.app)?),
        })
    }
}

const OPEN: &str = "open";
const QUIT: &str = "quit";

/// What stands before a session's id in the key of a wish.
const WISHES: &[(&str, Wish)] = &[
    ("snooze ", Wish::Snooze),
    ("mute ", Wish::Mute),
    ("loud ", Wish::Loud),
];

fn key_of(choice: &Choice) -> String {
    match choice {
        Choice::Open => OPEN.to_owned(),
        Choice::Go(Target::Session(id)) => id.to_string(),
        Choice::Go(Target::Task(id)) => id.to_string(),
        Choice::Quieten(id, wish) => {
            let word = WISHES.iter().find(|(_, other)| other == wish);
            format!("{}{id}", word.map_or("", |(word, _)| *word))
        }
        Choice::Quit => QUIT.to_owned(),
    }
}

fn choice_of(key: &str) -> Option<Choice> {
    let wished = WISHES
        .iter()
        .find_map(|(word, wish)| Some((key.strip_prefix(word)?, *wish)));
    if let Some((id, wish)) = wished {
        return session_id(id).map(|session| Choice::Quieten(session, wish));
    }
    match key {
        OPEN => Some(Choice::Open),
        QUIT => Some(Choice::Quit),
        id => match TaskId::parse(id) {
            Some(task) => Some(Choice::Go(Target::Task(task))),
            None => session_id(id).map(|session| Choice::Go(Target::Session(session))),
        },
    }
}
