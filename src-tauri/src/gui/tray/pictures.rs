//! The tray's icons as pixels, embedded from the PNGs `icons/tray.sh` draws.

use tauri::image::Image;
use tauri::include_image;

use super::TrayIcon;

/// Returns one icon in all its sizes, smallest first.
pub(super) fn pictures_of(icon: TrayIcon) -> &'static [Image<'static>] {
    match icon {
        TrayIcon::NeedsYou(count) => needs_you(count),
        TrayIcon::Problem => PROBLEM,
        TrayIcon::DoneUnseen => DONE_UNSEEN,
        TrayIcon::Working => WORKING,
        TrayIcon::Idle => IDLE,
    }
}

fn needs_you(count: u32) -> &'static [Image<'static>] {
    match count {
        0 | 1 => NEEDS_YOU_1,
        2 => NEEDS_YOU_2,
        3 => NEEDS_YOU_3,
        4 => NEEDS_YOU_4,
        5 => NEEDS_YOU_5,
        6 => NEEDS_YOU_6,
        7 => NEEDS_YOU_7,
        8 => NEEDS_YOU_8,
        9 => NEEDS_YOU_9,
        10.. => NEEDS_YOU_9PLUS,
    }
}

macro_rules! pictures {
    ($($constant:ident = $size_22:literal, $size_24:literal, $size_32:literal, $size_48:literal;)+) => {
        $(static $constant: &[Image<'static>] = &[
            include_image!($size_22), include_image!($size_24),
            include_image!($size_32), include_image!($size_48),
        ];)+
    };
}

pictures! {
    NEEDS_YOU_1 = "./icons/tray/needs-you-1-22.png", "./icons/tray/needs-you-1-24.png", "./icons/tray/needs-you-1-32.png", "./icons/tray/needs-you-1-48.png";
    NEEDS_YOU_2 = "./icons/tray/needs-you-2-22.png", "./icons/tray/needs-you-2-24.png", "./icons/tray/needs-you-2-32.png", "./icons/tray/needs-you-2-48.png";
    NEEDS_YOU_3 = "./icons/tray/needs-you-3-22.png", "./icons/tray/needs-you-3-24.png", "./icons/tray/needs-you-3-32.png", "./icons/tray/needs-you-3-48.png";
    NEEDS_YOU_4 = "./icons/tray/needs-you-4-22.png", "./icons/tray/needs-you-4-24.png", "./icons/tray/needs-you-4-32.png", "./icons/tray/needs-you-4-48.png";
    NEEDS_YOU_5 = "./icons/tray/needs-you-5-22.png", "./icons/tray/needs-you-5-24.png", "./icons/tray/needs-you-5-32.png", "./icons/tray/needs-you-5-48.png";
    NEEDS_YOU_6 = "./icons/tray/needs-you-6-22.png", "./icons/tray/needs-you-6-24.png", "./icons/tray/needs-you-6-32.png", "./icons/tray/needs-you-6-48.png";
    NEEDS_YOU_7 = "./icons/tray/needs-you-7-22.png", "./icons/tray/needs-you-7-24.png", "./icons/tray/needs-you-7-32.png", "./icons/tray/needs-you-7-48.png";
    NEEDS_YOU_8 = "./icons/tray/needs-you-8-22.png", "./icons/tray/needs-you-8-24.png", "./icons/tray/needs-you-8-32.png", "./icons/tray/needs-you-8-48.png";
    NEEDS_YOU_9 = "./icons/tray/needs-you-9-22.png", "./icons/tray/needs-you-9-24.png", "./icons/tray/needs-you-9-32.png", "./icons/tray/needs-you-9-48.png";
    NEEDS_YOU_9PLUS = "./icons/tray/needs-you-9plus-22.png", "./icons/tray/needs-you-9plus-24.png", "./icons/tray/needs-you-9plus-32.png", "./icons/tray/needs-you-9plus-48.png";
    PROBLEM = "./icons/tray/problem-22.png", "./icons/tray/problem-24.png", "./icons/tray/problem-32.png", "./icons/tray/problem-48.png";
    DONE_UNSEEN = "./icons/tray/done-unseen-22.png", "./icons/tray/done-unseen-24.png", "./icons/tray/done-unseen-32.png", "./icons/tray/done-unseen-48.png";
    WORKING = "./icons/tray/working-22.png", "./icons/tray/working-24.png", "./icons/tray/working-32.png", "./icons/tray/working-48.png";
    IDLE = "./icons/tray/idle-22.png", "./icons/tray/idle-24.png", "./icons/tray/idle-32.png", "./icons/tray/idle-48.png";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_is_a_square_of_whole_pixels() {
        let icons = [
            TrayIcon::Problem,
            TrayIcon::DoneUnseen,
            TrayIcon::Working,
            TrayIcon::Idle,
        ];

        for icon in icons.into_iter().chain((0..12).map(TrayIcon::NeedsYou)) {
            for picture in pictures_of(icon) {
                assert_eq!(picture.width(), picture.height(), "{icon:?}");
                let n_bytes = picture.width() * picture.height() * 4;
                assert_eq!(picture.rgba().len(), n_bytes as usize, "{icon:?}");
            }
        }
    }
}
