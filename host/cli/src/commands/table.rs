//! A table for people: columns as wide as what is in them, amounts aligned at their ends.

use std::fmt;

use runner::Plain;

/// Where the words of a column begin or end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Left,
    Right,
}

/// Rows under names. Words from outside are made safe for a terminal.
#[derive(Debug)]
pub(super) struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(columns: &[(&str, Side)]) -> Self {
        let names = columns.iter().map(|(name, _)| name.to_uppercase()).collect();
        Self { sides: columns.iter().map(|(_, side)| *side).collect(), rows: vec![names] }
    }

    pub(super) fn row(&mut self, cells: &[String]) {
        self.rows.push(cells.iter().map(|cell| Plain(cell).to_string()).collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&self.sides).enumerate().map(|(column, (cell, side))| {
                let width = self.width(column);
                match side {
                    Side::Left => format!("{cell:<width$}"),
                    Side::Right => format!("{cell:>width$}"),
                }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            let end = if number == 0 { "" } else { "\n" };
            write!(f, "{end}{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut table = Table::new(&[("repository", Side::Left), ("spent", Side::Right)]);
        table.row(&["acme/a-very-long-name".to_owned(), "$0.50".to_owned()]);
        table.row(&["b\u{1b}[2J".to_owned(), "$12.00".to_owned()]);
        let shown = table.to_string();
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "REPOSITORY              SPENT");
        assert_eq!(lines[1], "acme/a-very-long-name   $0.50");
        assert!(lines[2].ends_with("  $12.00") && lines[2].len() == lines[1].len(), "{shown}");
    }
}
