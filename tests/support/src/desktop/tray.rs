//! Icons in the tray and their menus, used as a panel uses them.

use serde_json::Value;

use super::bus::Bus;

pub(super) const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// An icon in the tray.
#[derive(Clone, Debug)]
pub struct TrayItem {
    bus: Bus,
    service: String,
    path: String,
}

/// A line of an icon's menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuItem {
    /// Its number, for [`TrayItem::choose`].
    pub id: i64,
    /// Its text.
    pub label: String,
    /// Whether it can be chosen.
    pub is_enabled: bool,
}

impl TrayItem {
    /// Clicks the icon.
    #[track_caller]
    pub fn activate(&self) {
        self.bus.tell(
            &self.service,
            &self.path,
            ITEM,
            "Activate",
            &["ii", "10", "10"],
        );
    }

    /// Clicks the icon with the middle button.
    #[track_caller]
    pub fn activate_second(&self) {
        self.bus.tell(
            &self.service,
            &self.path,
            ITEM,
            "SecondaryActivate",
            &["ii", "10", "10"],
        );
    }

    /// Returns a property of the icon, such as `Status` or `Title`.
    #[track_caller]
    #[must_use]
    pub fn property(&self, name: &str) -> Value {
        self.bus
            .property(&self.service, &self.path, ITEM, name)
            .unwrap_or_else(|error| panic!("read {name} of the icon: {error}"))
    }

    /// Returns what a person reads with the pointer over the icon: title and text.
    #[track_caller]
    #[must_use]
    pub fn tool_tip(&self) -> String {
        let tip = self.property("ToolTip");
        let part = |at: usize| tip[at].as_str().unwrap_or_default().to_owned();
        format!("{}\n{}", part(2), part(3))
    }

    /// Returns the lines of the menu, separators left out.
    #[track_caller]
    #[must_use]
    pub fn menu(&self) -> Vec<MenuItem> {
        let layout = self.bus.ask(
            &self.service,
            &self.menu_path(),
            MENU,
            "GetLayout",
            &["iias", "0", "-1", "0"],
        );
        let mut items = Vec::new();
        collect(&layout["data"][1], &mut items);
        items
    }

    /// Chooses a line of the menu by its label.
    #[track_caller]
    pub fn choose(&self, label: &str) {
        let menu = self.menu();
        let item = menu.iter().find(|item| item.label == label);
        let item = item.unwrap_or_else(|| panic!("no `{label}` in the menu: {menu:#?}"));
        let id = item.id.to_string();
        // The program may leave before it answers.
        self.bus
            .try_ask(
                &self.service,
                &self.menu_path(),
                MENU,
                "Event",
                &["isvu", &id, "clicked", "i", "0", "0"],
            )
            .ok();
    }

    fn menu_path(&self) -> String {
        self.property("Menu")
            .as_str()
            .unwrap_or("/MenuBar")
            .to_owned()
    }
}

pub(super) fn has_host(bus: &Bus) -> bool {
    bus.property(
        WATCHER,
        "/StatusNotifierWatcher",
        WATCHER,
        "IsStatusNotifierHostRegistered",
    )
    .is_ok_and(|value| value == true)
}

pub(super) fn items(bus: &Bus) -> Vec<TrayItem> {
    let registered = bus.property(
        WATCHER,
        "/StatusNotifierWatcher",
        WATCHER,
        "RegisteredStatusNotifierItems",
    );
    let registered = registered.unwrap_or_default();
    let names = registered
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    names
        .map(|name| {
            let (service, path) = match name.find('/') {
                Some(at) => name.split_at(at),
                None => (name, "/StatusNotifierItem"),
            };
            TrayItem {
                bus: bus.clone(),
                service: service.to_owned(),
                path: path.to_owned(),
            }
        })
        .collect()
}

/// Walks down `(id, properties, children)`.
fn collect(node: &Value, items: &mut Vec<MenuItem>) {
    let properties = &node[1];
    if let Some(label) = properties["label"]["data"].as_str() {
        items.push(MenuItem {
            id: node[0].as_i64().unwrap_or_default(),
            // An underscore marks the key that chooses the line.
            label: label
                .replace("__", "\u{0}")
                .replace('_', "")
                .replace('\u{0}', "_"),
            is_enabled: properties["enabled"]["data"] != false,
        });
    }
    for child in node[2].as_array().into_iter().flatten() {
        collect(&child["data"], items);
    }
}
