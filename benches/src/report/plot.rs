//! Plots as SVG.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Points of a line, and whose they are.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// What a plot shows; both axes are logarithmic, as executors come in powers of ten.
pub(super) struct Axes {
    pub(super) title: &'static str,
    pub(super) x: &'static str,
    pub(super) y: &'static str,
}

const SIZE: (u32, u32) = (720, 400);
const COLOURS: [RGBColor; 4] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(120, 120, 120),
];

/// The plot, unless there is nothing to be drawn.
pub(super) fn lines(axes: &Axes, series: &[Series]) -> Option<String> {
    // A logarithm knows nothing below zero.
    let mut series: Vec<Series> = series.to_vec();
    for one in &mut series {
        one.points.retain(|point| point.0 > 0.0 && point.1 > 0.0);
    }
    let points = || series.iter().flat_map(|series| series.points.iter().copied());
    let reach = |values: Vec<f64>| -> Option<(f64, f64)> {
        let (least, most) = crate::statistics::range(&values)?;
        Some((least / 1.5, most * 1.5))
    };
    let (left, right) = reach(points().map(|point| point.0).collect())?;
    let (bottom, top) = reach(points().map(|point| point.1).collect())?;
    let mut svg = String::new();
    // Nothing but memory is written to.
    draw(&mut svg, axes, &series, (left, right), (bottom, top)).ok()?;
    Some(svg)
}

fn draw(
    svg: &mut String,
    axes: &Axes,
    series: &[Series],
    (left, right): (f64, f64),
    (bottom, top): (f64, f64),
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(axes.title, ("sans-serif", 18))
        .margin(12)
        .margin_right(150)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d((left..right).log_scale(), (bottom..top).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(axes.x)
        .y_desc(axes.y)
        .x_label_formatter(&|value| super::table::number(*value))
        .y_label_formatter(&|value| super::table::number(*value))
        .light_line_style(WHITE.mix(0.0))
        .draw()?;
    for (one, colour) in series.iter().zip(COLOURS.iter().cycle()) {
        chart.draw_series(LineSeries::new(
            one.points.iter().copied(),
            colour.stroke_width(2),
        ))?;
        let dots = one
            .points
            .iter()
            .map(|point| Circle::new(*point, 3, colour.filled()));
        chart.draw_series(dots)?;
        if let Some(last) = one.points.last() {
            let style = ("sans-serif", 13).into_font().color(colour);
            let label = Text::new(
                format!("  {}", one.name),
                *last,
                style.pos(Pos::new(HPos::Left, VPos::Center)),
            );
            chart.plotting_area().draw(&label)?;
        }
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_names_its_axes_and_lines() {
        let axes = Axes {
            title: "Title",
            x: "Executors",
            y: "Rate",
        };
        assert_eq!(lines(&axes, &[]), None);
        let series = Series {
            name: "Stoker".to_owned(),
            points: vec![(100.0, -20.0), (1000.0, 30.0)],
        };
        let svg = lines(&axes, &[series]).unwrap();
        assert_eq!(svg.matches("<circle").count(), 1);
        for text in ["<svg", "Title", "Executors", "Rate", "Stoker", "</svg>"] {
            assert!(svg.contains(text), "{text}");
        }
    }
}
