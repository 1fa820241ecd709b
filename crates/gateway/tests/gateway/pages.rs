//! The apps' pages and the way to them. A test build may hold no pages: then it says so.

use crate::stage::Stage;

#[tokio::test]
async fn a_browser_is_led_to_the_app_and_a_program_is_told_what_there_is() {
    let stage = Stage::new().await;
    let reply = stage.connect().await.get_with("/", &[("Accept", "text/html,application/xhtml+xml")]).await;
    assert_eq!((reply.status, reply.header("location")), (302, Some("/mymentor/")));
    let reply = stage.get("/").await;
    assert!(reply.status == 200 && reply.text().contains("/api/v1/openapi.json"), "{}", reply.text());
}

#[tokio::test]
async fn an_apps_page_stands_at_each_of_its_places_and_its_files_under_their_names() {
    let stage = Stage::new().await;
    for app in ["mymentor", "mymentee"] {
        let reply = stage.get(&format!("/{app}")).await;
        assert_eq!((reply.status, reply.header("location")), (302, Some(format!("/{app}/").as_str())));
        let (root, place) = (stage.get(&format!("/{app}/")).await, stage.get(&format!("/{app}/lessons/7")).await);
        assert_eq!((root.status, root.text()), (place.status, place.text()), "the app knows its places itself");
        if root.status == 200 {
            assert_eq!(root.header("cache-control"), Some("no-cache"));
            assert!(root.header("content-security-policy").is_some_and(|policy| !policy.contains("unsafe")));
        } else {
            assert!(root.status == 503 && root.text().contains("npm run build"), "{}", root.text());
        }
        let missing = stage.get(&format!("/{app}/assets/none.js")).await;
        assert_eq!((missing.status, missing.text().as_str()), (404, "there is no such file\n"));
        assert_ne!(stage.get(&format!("/{app}/../../../etc/passwd")).await.text(), "root");
    }
}
