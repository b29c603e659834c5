"""Facts and what replaced them, written down one by one as people put such things: four notebooks.

The other sets are made from patterns. No weight was chosen on these; two of their misses led to the rules of what is
no subject (a number is none, a word that is written small hardly).
"""

from __future__ import annotations

NOTEBOOKS: list[list[tuple[str, str | None]]] = [
    [  # of a colleague
        (
            "Maren is allergic to penicillin.",
            "Tests showed that Maren tolerates penicillin and that it is amoxicillin she reacts to.",
        ),
        ("Maren's daughter Ida goes to kindergarten.", "Ida, Maren's daughter, started school in August."),
        ("Maren takes the 7:40 train to the office.", "Maren cycles to the office since spring."),
        ("Maren is engaged to Tobias.", "Maren and Tobias got married in June."),
        ("Maren's bank account is with Sparebank.", "Maren moved all her money to Nordea."),
        ("Maren has a black belt in judo.", None),
        ("Maren prefers to be called by phone.", "Maren would rather get text messages than calls."),
        ("Maren is a vegetarian.", "Maren eats fish again."),
        (
            "Maren speaks German and Norwegian.",
            "Maren speaks Spanish fluently by now, besides German and Norwegian.",
        ),
        ("Maren's office is on the third floor.", "Maren sits on the fifth floor now."),
        ("Maren is on parental leave until September.", "Maren's leave was extended to the end of the year."),
        ("Maren grew up in Bergen.", None),
        (
            "Maren is the product owner of the billing app.",
            "Product owner for billing is Jonas; Maren handed it over.",
        ),
        ("Maren weighs 64 kilos.", "Maren is down to 61 kg."),
        ("Maren's laptop is a ThinkPad.", "IT gave Maren a MacBook Pro."),
        ("Maren has never been to Asia.", "Maren came back from two weeks in Japan."),
    ],
    [  # of a project
        ("The launch of Falcon is planned for 12 May.", "Falcon will go live on 30 June."),
        ("Falcon is written in Python 3.11.", "We upgraded Falcon to Python 3.13."),
        ("Falcon's budget is 80,000 euros.", "Finance cut the money for Falcon to 65,000 euros."),
        (
            "The Falcon team meets on Tuesdays at ten.",
            "The weekly of the Falcon team was put on Thursdays at two.",
        ),
        ("Falcon uses RabbitMQ for messages.", "Messages in Falcon go through Kafka."),
        ("Petra leads Falcon.", "Sven took over as lead of Falcon from Petra."),
        ("Falcon has five engineers.", "With Omar there are six engineers on Falcon."),
        (
            "Falcon's staging server is at staging.falcon.test.",
            "Staging of Falcon can be reached at stage2.example.test.",
        ),
        ("Falcon stores its data in MySQL.", "Falcon was migrated to PostgreSQL."),
        ("Bugs of Falcon are tracked in Jira.", "From today bugs of Falcon go to Linear."),
        ("Falcon is deployed by hand on Fridays.", "A pipeline deploys Falcon after each merge."),
        ("The customer for Falcon is Stadtwerke Ulm.", None),
        ("Falcon's error rate is 0.4 percent.", "Errors in Falcon went up to 1.2 percent."),
        ("Falcon is hosted in Frankfurt.", "The servers of Falcon are in Dublin now."),
        ("Code reviews in Falcon need two approvals.", "One approval is enough for a merge in Falcon."),
        ("Falcon's logo is a blue bird.", None),
    ],
    [  # of whoever asks, as an assistant notes it
        ("The user lives in Austin, Texas.", "The user has settled in Denver, Colorado."),
        ("The user is 34 years old.", "The user turned 35 last week."),
        (
            "The user works as a nurse in a children's hospital.",
            "The user quit nursing and drives an ambulance.",
        ),
        ("The user has two cats, Miso and Tofu.", "Tofu died; Miso is the user's only cat."),
        ("The user's favourite band is Radiohead.", "The user's favourite band is The National these days."),
        ("The user is training for a half marathon.", "The user is preparing for an Ironman triathlon."),
        ("The user drinks coffee black.", "The user takes the coffee with oat milk."),
        (
            "The user wants answers in bullet points.",
            "The user asks for answers in full paragraphs, no bullets.",
        ),
        ("The user's brother lives in Seattle.", "The user's brother relocated to Portland."),
        ("The user rents an apartment.", "The user bought a house."),
        ("The user is single.", "The user is dating Emily."),
        ("The user's car is a 2015 Honda Civic.", "The user traded in the Honda for a Tesla Model 3."),
        (
            "The user plans a trip to Italy in October.",
            "The user's trip to Italy was postponed to next April.",
        ),
        ("The user's therapist is Dr. Klein.", None),
        ("The user takes vitamin D every morning.", "The doctor told the user to stop taking vitamin D."),
        ("The user uses Windows 11 at home.", "The user switched to Ubuntu at home."),
        ("The user graduated from Rice University.", None),
        ("The user's mother is in hospital.", "The user's mother was discharged and is at home."),
    ],
    [  # decisions of a team
        (
            "We decided to use tabs in all repositories.",
            "Repositories are indented with four spaces from now on.",
        ),
        ("Standup is at 9:30.", "Standup starts at 10:00."),
        ("Releases are cut every second Wednesday.", "We release every Monday."),
        ("The on-call phone is with Lena this week.", "Lena gave the on-call phone to Pavel."),
        (
            "Expenses above 200 euros need approval from Karin.",
            "Karin has to sign off only expenses over 500 euros.",
        ),
        ("The wifi password of the office is sunflower22.", "The office wifi has the new password tulip77."),
        ("Our support hours are 8 to 17.", "Support is open until 20 o'clock."),
        ("Interns are paid 15 euros an hour.", "Interns get 17.50 euros an hour."),
        ("The office dog is called Bruno.", None),
        ("New hires get a Dell laptop.", "New hires can choose any laptop up to 2,000 euros."),
        ("Meetings on Fridays are forbidden.", "Meetings are allowed on Fridays before noon."),
        ("Logs are kept for 30 days.", "We now keep logs for ninety days."),
        ("The marketing budget is managed by Aisha.", "Tom is in charge of the marketing budget."),
        ("We use Slack for chat with customers.", "Chat with customers moved to Intercom."),
        ("The lease of the office ends in 2027.", "The office lease was prolonged to 2030."),
        ("Main branch is called master.", "We renamed the default branch to main."),
    ],
]
"""What was noted, and what was said later that makes it untrue; None: it stays true."""
