//! The tray as a `StatusNotifierItem`: re-registers by itself when the panel restarts.

use ksni::menu::{StandardItem, SubMenu};
use ksni::{Category, Icon, MenuItem, OfflineReason, Status, ToolTip, TrayMethods as _};
use mission_control_core::health::Problem;
use tauri::image::Image;

use super::pictures::pictures_of;
use super::{Choice, MenuEntry, TrayIcon, TrayState};
use crate::problems;
use crate::tick::{Tick, Ticks};

/// The icon in the tray.
pub(crate) struct Tray(ksni::Handle<Item>);

/// Puts the icon into the tray, or waits for a panel that takes it.
pub(crate) async fn start(
    _app: &tauri::AppHandle,
    state: TrayState,
    ticks: Ticks,
) -> Result<Tray, Problem> {
    let started = Item { state, ticks }
        .assume_sni_available(true)
        .spawn()
        .await;
    started.map(Tray).map_err(|error| {
        tracing::warn!(%error, "The icon cannot be put into the tray.");
        if let ksni::Error::Dbus(_) = error {
            problems::no_session_bus()
        } else {
            problems::tray_refused(&error.to_string())
        }
    })
}

impl Tray {
    /// Draws `state`.
    pub(crate) async fn draw(&self, state: TrayState) {
        if self.0.update(|item| item.state = state).await.is_none() {
            tracing::warn!("The tray is gone.");
        }
    }
}

#[derive(Debug)]
struct Item {
    state: TrayState,
    ticks: Ticks,
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        "mission-control".to_owned()
    }

    fn title(&self) -> String {
        "Mission Control".to_owned()
    }

    fn category(&self) -> Category {
        Category::ApplicationStatus
    }

    fn status(&self) -> Status {
        match self.state.icon {
            TrayIcon::NeedsYou(_) => Status::NeedsAttention,
            TrayIcon::Problem | TrayIcon::DoneUnseen | TrayIcon::Working | TrayIcon::Idle => {
                Status::Active
            }
        }
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        pictures_of(self.state.icon).iter().map(argb).collect()
    }

    fn attention_icon_pixmap(&self) -> Vec<Icon> {
        self.icon_pixmap()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip {
            title: self.state.tooltip.clone(),
            description: self.title(),
            ..ToolTip::default()
        }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        self.ticks.send(Tick::Chose(Choice::Open));
    }

    fn secondary_activate(&mut self, _x: i32, _y: i32) {
        self.ticks.send(Tick::Chose(Choice::Open));
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        self.state.menu.iter().map(menu_item).collect()
    }

    fn watcher_online(&self) {
        self.ticks.send(Tick::TrayHostCame);
    }

    fn watcher_offline(&self, reason: OfflineReason) -> bool {
        tracing::info!(?reason, "No panel takes the tray icon.");
        self.ticks.send(Tick::TrayHostLeft);
        true
    }
}

fn menu_item(entry: &MenuEntry) -> MenuItem<Item> {
    match entry {
        MenuEntry::Heading(text) => StandardItem {
            label: unmarked(text),
            enabled: false,
            ..StandardItem::default()
        }
        .into(),
        MenuEntry::Choice { label, choice } => {
            let choice = choice.clone();
            StandardItem {
                label: unmarked(label),
                activate: Box::new(move |item: &mut Item| {
                    item.ticks.send(Tick::Chose(choice.clone()));
                }),
                ..StandardItem::default()
            }
            .into()
        }
        MenuEntry::Submenu { label, entries } => SubMenu {
            label: unmarked(label),
            submenu: entries.iter().map(menu_item).collect(),
            ..SubMenu::default()
        }
        .into(),
        MenuEntry::Separator => MenuItem::Separator,
    }
}

/// Returns `text` with underscores doubled: single ones mark access keys in menus.
fn unmarked(text: &str) -> String {
    text.replace('_', "__")
}

fn argb(picture: &Image<'_>) -> Icon {
    let mut data = picture.rgba().to_vec();
    for pixel in data.as_chunks_mut::<4>().0 {
        pixel.rotate_right(1);
    }
    let side = i32::try_from(picture.width()).unwrap_or(0);
    Icon {
        width: side,
        height: side,
        data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_alpha_first() {
        let rgba = [1, 2, 3, 4, 5, 6, 7, 8];

        assert_eq!(
            argb(&Image::new(&rgba, 2, 1)).data,
            [4, 1, 2, 3, 8, 5, 6, 7]
        );
    }

    #[test]
    fn an_underscore_stays_visible() {
        assert_eq!(unmarked("fix_it"), "fix__it");
    }
}
