fn main() {
    let mut recipe = glassbox::train::induction::Recipe::default();
    let args: Vec<String> = std::env::args().collect();
    if let Some(s) = args.get(1) {
        recipe.schedule.steps = s.parse().unwrap();
    }
    if let Some(s) = args.get(2) {
        recipe.schedule.peak = s.parse().unwrap();
    }
    if let Some(s) = args.get(3) {
        recipe.batch = s.parse().unwrap();
    }
    let trained = recipe
        .train(|p| {
            if p.step % 100 == 0 {
                println!("{} {:.4} {:.1}s left {:.0}s", p.step, p.loss, p.elapsed.as_secs_f64(), p.left().as_secs_f64())
            }
        })
        .unwrap();
    println!("{:?}", trained.evaluation);
    trained.save("/tmp/induction").unwrap();
}
