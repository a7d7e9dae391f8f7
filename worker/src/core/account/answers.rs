//! What the platform's cryptography said. WebCrypto answers later than it is asked and decisions wait for nothing, so
//! a decision that lacks an answer fails, writes nothing, and is taken anew once the answer is there.

use core::cell::RefCell;

use latchkey_shared::webauthn::{Platform, Question};

/// Questions and what was said to them.
#[derive(Default)]
pub struct Answers {
    /// What holds.
    yes: Vec<Question>,
    /// What does not hold.
    no: Vec<Question>,
    open: RefCell<Option<Question>>,
}

impl Answers {
    /// What was asked and is not answered yet.
    pub fn open(&self) -> Option<Question> {
        self.open.take()
    }

    /// Takes an answer in.
    pub fn learn(&mut self, question: Question, holds: bool) {
        if holds { self.yes.push(question) } else { self.no.push(question) }
    }
}

impl Platform for Answers {
    fn holds(&self, question: &Question) -> bool {
        let yes = self.yes.contains(question);
        if !yes && !self.no.contains(question) {
            self.open.replace(Some(question.clone()));
        }
        yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_shared::webauthn::CredentialKey;

    #[test]
    fn asked_once_and_never_guessed() {
        let key = CredentialKey::Es256([4; 65]);
        let sound = Question::Key { key: key.clone() };
        let signature =
            |byte| Question::Signature { key: key.clone(), message: vec![], signature: vec![byte] };
        let mut answers = Answers::default();
        assert!(!answers.holds(&sound));
        assert_eq!(answers.open(), Some(sound.clone()));
        answers.learn(sound.clone(), true);
        assert!(answers.holds(&sound));
        assert_eq!(answers.open(), None);
        assert!(!answers.holds(&signature(1)));
        answers.learn(answers.open().unwrap(), false);
        assert!(!answers.holds(&signature(1)));
        assert_eq!(answers.open(), None);
        // An answer is to that question alone.
        assert!(!answers.holds(&signature(2)));
        assert_eq!(answers.open(), Some(signature(2)));
    }
}
