//! Plot of the costs as an SVG file.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

/// Size of the picture in pixels, and the rows and columns of its panels.
const SIZE: (u32, u32) = (960, 760);
const GRID: (usize, usize) = (2, 2);
/// Colours that are told apart with any colour vision (Okabe and Ito 2008).
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

/// One diagram of the picture. The unit of its y axis is a microsecond.
pub(super) struct Panel {
    pub(super) title: &'static str,
    pub(super) x: &'static str,
    pub(super) scale: Scale,
    pub(super) series: Vec<Series>,
}

/// Scale of the axes. A linear one begins at zero.
#[derive(Clone, Copy)]
pub(super) enum Scale {
    Linear,
    LogX,
    Log,
}

pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

/// Draws the panels row by row into the file.
pub(super) fn draw(file: &Path, panels: &[Panel]) -> Drawn {
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    // A page in a dark theme shows it, too.
    root.fill(&WHITE)?;
    for (area, panel) in root.split_evenly(GRID).iter().zip(panels) {
        panel.draw(area)?;
    }
    root.present()?;
    Ok(())
}

impl Panel {
    fn draw(&self, area: &Area<'_>) -> Drawn {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x = range(points().map(|(x, _)| *x));
        let y = range(points().map(|(_, y)| *y));
        // Space for the names of the series above them.
        let (linear, log) = (0.0..y.end * 1.4, y.start / 2.0..y.end * 20.0);
        match self.scale {
            Scale::Linear => self.draw_on(area, 0.0..x.end, linear),
            Scale::LogX => self.draw_on(area, x.log_scale(), linear),
            Scale::Log => self.draw_on(area, x.log_scale(), log.log_scale()),
        }
    }

    fn draw_on<X, Y>(&self, area: &Area<'_>, x: X, y: Y) -> Drawn
    where
        X: AsRangedCoord<Value = f64, CoordDescType: ValueFormatter<f64>>,
        Y: AsRangedCoord<Value = f64, CoordDescType: ValueFormatter<f64>>,
    {
        let mut chart = ChartBuilder::on(area)
            .caption(self.title, ("sans-serif", 19))
            .margin(12)
            .margin_right(28)
            .x_label_area_size(46)
            .y_label_area_size(66)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc("µs of the node's processor")
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| if *y < 1.0 && *y > 0.0 { format!("{y:.1}") } else { format!("{y:.0}") })
            .label_style(("sans-serif", 14))
            .axis_desc_style(("sans-serif", 15))
            .max_light_lines(0)
            .bold_line_style(BLACK.mix(0.15))
            .draw()?;
        for (series, colour) in self.series.iter().zip(COLOURS) {
            let line = LineSeries::new(series.points.iter().copied(), colour.stroke_width(2)).point_size(4);
            chart
                .draw_series(line)?
                .label(series.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .label_font(("sans-serif", 14))
            .background_style(WHITE)
            .draw()?;
        Ok(())
    }
}

/// Returns the smallest and the largest of these figures.
fn range(figures: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    figures.clone().fold(f64::INFINITY, f64::min)..figures.fold(0.0, f64::max)
}
