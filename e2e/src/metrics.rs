//! Reading `/metrics`.

/// The sum of all series of a counter or gauge whose labels contain `label`; 0 if there is none.
#[must_use]
pub fn sum(text: &str, name: &str, label: &str) -> f64 {
    let series = text.lines().filter(|line| !line.starts_with('#'));
    let matching = series.filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (known, labels) = series.split_once('{').unwrap_or((series, ""));
        (known == name && labels.contains(label)).then(|| value.parse::<f64>().ok()).flatten()
    });
    matching.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_a_name_are_added_up() {
        let text = "# TYPE a counter\na{x=\"1\"} 2\na{x=\"2\"} 3\nab 7\nb 1.5\n";
        assert_eq!(sum(text, "a", ""), 5.0);
        assert_eq!(sum(text, "a", "x=\"2\""), 3.0);
        assert_eq!((sum(text, "b", ""), sum(text, "c", "")), (1.5, 0.0));
    }
}
