//! Pictures of how a cost grows: points on two logarithmic axes, with the exponent beside each line.
//!
//! On such axes a cost of n^k is a straight line of slope k, so linear growth is what runs along the
//! dashed line. A picture depends on its numbers and on nothing else.

use std::fmt::Write as _;

/// How large a panel is, and what stands around it. In pixels.
const WIDE: f64 = 230.0;
const HIGH: f64 = 200.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 176.0;
const ABOVE: f64 = 56.0;
const BELOW: f64 = 40.0;
/// Between two labels.
const LINE: f64 = 15.0;
/// Colours that differ for eyes that see few of them (Okabe and Ito).
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// Panels beside each other, over the same counts.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What is counted along the bottom.
    pub counted: String,
    /// One for each cost.
    pub panels: Vec<Panel>,
}

/// One cost.
#[derive(Debug, Clone)]
pub struct Panel {
    /// What it is, with its unit.
    pub cost: String,
    /// At most four.
    pub lines: Vec<Line>,
}

/// How one thing grows.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// Counts and costs, all above zero, in the order of the counts; at least two.
    pub points: Vec<(f64, f64)>,
}

impl Line {
    /// The k of the n^k that fits all points best: least squares of the logarithms.
    #[must_use]
    pub fn exponent(&self) -> f64 {
        slope(&self.points)
    }

    /// The same of the last two points alone, where what is paid once weighs least.
    #[must_use]
    pub fn last_exponent(&self) -> f64 {
        slope(&self.points[self.points.len().saturating_sub(2)..])
    }
}

fn slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.log10(), y.log10())).collect();
    let count = logs.iter().map(|_| 1.0).sum::<f64>();
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let together = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>();
    together / logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>()
}

/// The decades that hold every number, at least one.
fn decades(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = numbers.fold((f64::MAX, f64::MIN), |(low, high), number| {
        (low.min(number.log10()), high.max(number.log10()))
    });
    (low.floor(), high.ceil().max(low.floor() + 1.0))
}

impl Chart {
    /// As a picture.
    #[must_use]
    pub fn svg(&self) -> String {
        let each = LEFT + WIDE + RIGHT;
        let wide = self.panels.iter().map(|_| each).sum::<f64>();
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {}\" role=\"img\" \
             aria-label=\"{}\">\n<style>\ntext {{ fill: #222; font: 12px sans-serif; }}\n\
             .axis {{ stroke: #222; fill: none; }} .grid {{ stroke: #ddd; }}\n\
             .linear {{ stroke: #888; stroke-dasharray: 4 4; }} .points {{ fill: none; stroke-width: 2; }}\n\
             </style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
            ABOVE + HIGH + BELOW,
            self.title
        );
        out += &text(14.0, 22.0, "start", "#222", &self.title);
        let mut at = 0.0;
        for panel in &self.panels {
            out += &self.panel(panel, at + LEFT);
            at += each;
        }
        out + "</svg>\n"
    }

    fn panel(&self, panel: &Panel, left: f64) -> String {
        let points = || panel.lines.iter().flat_map(|line| line.points.iter().copied());
        let (x_low, x_high) = decades(points().map(|(x, _)| x));
        let (y_low, y_high) = decades(points().map(|(_, y)| y));
        let across = |x: f64| (x.log10() - x_low) / (x_high - x_low) * WIDE;
        let down = |y: f64| HIGH - (y.log10() - y_low) / (y_high - y_low) * HIGH;
        let bottom = ABOVE + HIGH;
        let mut out = text(left, ABOVE - 12.0, "start", "#222", &panel.cost);
        for (ten, at) in ticks(x_low, x_high).map(|ten| (ten, left + across(ten))) {
            out += &rule("grid", (at, ABOVE), (at, bottom));
            out += &text(at, bottom + 16.0, "middle", "#222", &short(ten));
        }
        for (ten, at) in ticks(y_low, y_high).map(|ten| (ten, ABOVE + down(ten))) {
            out += &rule("grid", (left, at), (left + WIDE, at));
            out += &text(left - 6.0, at + 4.0, "end", "#222", &short(ten));
        }
        out += &text(left + WIDE / 2.0, bottom + 33.0, "middle", "#222", &self.counted);
        // What leaves the panel is cut off.
        let _infallible = writeln!(
            out,
            "<svg x=\"{left}\" y=\"{ABOVE}\" width=\"{WIDE}\" height=\"{HIGH}\">\
             <rect class=\"axis\" width=\"{WIDE}\" height=\"{HIGH}\"/>"
        );
        if let Some((x, y)) = panel.lines.first().and_then(|line| line.points.first()) {
            let end = 10_f64.powf(x_high);
            out += &rule("linear", (across(*x), down(*y)), (across(end), down(y / x * end)));
        }
        for (line, colour) in panel.lines.iter().zip(COLOURS) {
            let places = line.points.iter().map(|(x, y)| (across(*x), down(*y)));
            let places: Vec<String> = places.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _infallible = writeln!(
                out,
                "<polyline class=\"points\" stroke=\"{colour}\" points=\"{}\"/>",
                places.join(" ")
            );
        }
        out += "</svg>\n";
        out + &labels(panel, left + WIDE + 6.0, down)
    }
}

/// The name of each line and its exponent, beside its end; pushed down where two would meet.
fn labels(panel: &Panel, left: f64, down: impl Fn(f64) -> f64) -> String {
    let mut ends: Vec<(f64, &Line, &str)> = panel
        .lines
        .iter()
        .zip(COLOURS)
        .filter_map(|(line, colour)| Some((ABOVE + down(line.points.last()?.1), line, colour)))
        .collect();
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    // Each takes two lines; the last must not fall below the panel.
    let room = ABOVE + HIGH - 2.0 * LINE * ends.iter().map(|_| 1.0).sum::<f64>() + LINE;
    let (mut out, mut free) = (String::new(), ABOVE);
    for (at, line, colour) in ends {
        let at = at.min(room.max(free)).max(free);
        let exponents =
            format!("n^{:.2}; at the end n^{:.2}", line.exponent(), line.last_exponent());
        out += &text(left, at + 4.0, "start", colour, &line.name);
        out += &text(left, at + 4.0 + LINE, "start", colour, &exponents);
        free = at + 2.0 * LINE;
    }
    out
}

/// The powers of ten from one to the other.
fn ticks(low: f64, high: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(low), |at| Some(at + 1.0))
        .take_while(move |at| *at <= high)
        .map(|at| 10_f64.powf(at))
}

/// A power of ten in a few characters.
fn short(number: f64) -> String {
    match number {
        large if large >= 1e6 => format!("{:.0}M", large / 1e6),
        large if large >= 1e3 => format!("{:.0}k", large / 1e3),
        one if one >= 1.0 => format!("{one:.0}"),
        small => format!("{small}"),
    }
}

fn rule(class: &str, from: (f64, f64), to: (f64, f64)) -> String {
    format!(
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>\n",
        from.0, from.1, to.0, to.1
    )
}

fn text(x: f64, y: f64, anchor: &str, colour: &str, words: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\" \
         style=\"fill: {colour}\">{words}</text>\n"
    )
}
