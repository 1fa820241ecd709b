//! Files that spreadsheets open.

/// A text that no spreadsheet takes for a formula (CWE-1236): what could be one has an apostrophe before it.
#[must_use]
pub fn harmless(text: &str) -> String {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\r', '\n']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+6281", "-1", "@SUM(A1)", " =1", "＝1", "\t=1", "\n1"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        assert_eq!(harmless("a = b"), "a = b");
    }
}
