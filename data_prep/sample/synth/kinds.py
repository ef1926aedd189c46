"""Kinds of sound: a table of their synthesis functions, labels and shares of the sample."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_prep.sample.synth import alarms, animals, bells, drums, electronic, engines, everyday, strings, weather, winds
from data_prep.sample.synth.clip import Audio


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of sound.

    play: synthesises one clip, float64[40000] at any level; all that varies is drawn from the generator.
    share: how common the kind is relative to the others, from 1 (rare) to 9.
    labels: AudioSet's display names that every clip has; optional_labels: each on four clips in ten.
    clean: a signal rather than a recording, with no reverberation, hardly any noise and no second kind.
    """

    name: str
    play: Callable[[np.random.Generator], Audio]
    share: int
    labels: tuple[str, ...]
    optional_labels: tuple[str, ...] = ()
    clean: bool = False


_TABLE = (
    # Bells, metal, glass
    Kind("church-bell", bells.church_bell, 7, ("Church bell", "Bell"), ("Change ringing (campanology)",)),
    Kind("bicycle-bell", bells.bicycle_bell, 3, ("Bicycle bell", "Bell"), ("Bicycle",)),
    Kind("doorbell", bells.doorbell, 4, ("Doorbell", "Ding-dong"), ("Door", "Bell")),
    Kind("wind-chime", bells.wind_chime, 4, ("Wind chime", "Chime"), ("Bell",)),
    Kind("clink", bells.glass_ping, 3, ("Chink, clink", "Glass")),
    Kind("coin-drop", bells.coin_drop, 3, ("Coin (dropping)",)),
    Kind("jingle-bell", bells.jingle_bell, 3, ("Jingle bell", "Bell"), ("Jingle, tinkle",)),
    Kind("singing-bowl", bells.singing_bowl, 3, ("Singing bowl",), ("Music", "Musical instrument")),
    Kind("gong", bells.gong, 3, ("Gong", "Percussion")),
    Kind("cowbell", bells.cowbell, 2, ("Cowbell",), ("Livestock, farm animals, working animals",)),
    Kind("tuning-fork", bells.tuning_fork, 2, ("Tuning fork",), ("Musical instrument",)),
    Kind("alarm-clock", bells.alarm_clock, 4, ("Alarm clock", "Alarm")),
    # Strings
    Kind("guitar", strings.guitar, 8, ("Acoustic guitar", "Guitar"), ("Plucked string instrument", "Music")),
    Kind("strum", strings.strum, 4, ("Strum", "Guitar"), ("Acoustic guitar", "Music")),
    Kind("bass-guitar", strings.bass_guitar, 3, ("Bass guitar", "Guitar"), ("Music",)),
    Kind("distorted-guitar", strings.distorted_guitar, 4, ("Electric guitar", "Guitar"), ("Distortion", "Music")),
    Kind("banjo", strings.banjo, 2, ("Banjo", "Plucked string instrument"), ("Music",)),
    Kind("harp", strings.harp, 3, ("Harp",), ("Plucked string instrument", "Music")),
    Kind("piano", strings.piano, 9, ("Piano", "Keyboard (musical)"), ("Music",)),
    Kind("electric-piano", electronic.electric_piano, 3, ("Electric piano", "Keyboard (musical)"), ("Music",)),
    Kind("violin", strings.violin, 7, ("Violin, fiddle", "Bowed string instrument"), ("Music",)),
    Kind("cello", strings.cello, 4, ("Cello", "Bowed string instrument"), ("Music",)),
    # Winds and tones
    Kind("flute", winds.flute, 5, ("Flute", "Wind instrument, woodwind instrument"), ("Music",)),
    Kind("clarinet", winds.clarinet, 3, ("Clarinet", "Wind instrument, woodwind instrument"), ("Music",)),
    Kind("trumpet", winds.trumpet, 5, ("Trumpet", "Brass instrument"), ("Music",)),
    Kind("organ", winds.organ, 4, ("Organ", "Keyboard (musical)"), ("Music",)),
    Kind("accordion", winds.accordion, 4, ("Accordion",), ("Musical instrument", "Music")),
    Kind("harmonica", winds.harmonica, 3, ("Harmonica",), ("Musical instrument", "Music")),
    Kind("theremin", electronic.theremin, 2, ("Theremin",), ("Musical instrument", "Music")),
    Kind(
        "synthesizer", electronic.synthesizer, 5, ("Synthesizer", "Keyboard (musical)"), ("Electronic music", "Music")
    ),
    Kind("whistling", winds.whistling, 4, ("Whistling",), ("Music",)),
    Kind("whistle", winds.pea_whistle, 3, ("Whistle",)),
    # Drums and mallets
    Kind("bass-drum", drums.bass_drum, 4, ("Bass drum", "Drum"), ("Percussion",)),
    Kind("snare-drum", drums.snare_drum, 4, ("Snare drum", "Drum"), ("Percussion",)),
    Kind("hi-hat", drums.hi_hat, 3, ("Hi-hat", "Cymbal"), ("Percussion",)),
    Kind("cymbal", drums.cymbal, 3, ("Cymbal",), ("Percussion",)),
    Kind("drum-kit", drums.drum_kit, 6, ("Drum kit", "Drum"), ("Bass drum", "Snare drum")),
    Kind("tabla", drums.tabla, 3, ("Tabla",), ("Drum", "Percussion")),
    Kind("wood-block", drums.wood_block, 2, ("Wood block", "Percussion")),
    Kind("maraca", drums.maraca, 2, ("Maraca",), ("Percussion", "Rattle (instrument)")),
    Kind("tambourine", drums.tambourine, 3, ("Tambourine", "Percussion")),
    Kind("marimba", drums.marimba, 4, ("Marimba, xylophone", "Mallet percussion"), ("Music",)),
    Kind("vibraphone", drums.vibraphone, 3, ("Vibraphone", "Mallet percussion"), ("Music",)),
    Kind("glockenspiel", drums.glockenspiel, 3, ("Glockenspiel", "Mallet percussion"), ("Music",)),
    Kind("steelpan", drums.steelpan, 2, ("Steelpan",), ("Percussion", "Music")),
    Kind("clapping", drums.hand_clap, 4, ("Clapping", "Hands")),
    Kind("applause", drums.applause, 4, ("Applause",), ("Clapping", "Crowd")),
    # Alarms, horns, telephones
    Kind("police-siren", alarms.police_siren, 6, ("Police car (siren)", "Siren", "Emergency vehicle")),
    Kind("ambulance", alarms.ambulance, 4, ("Ambulance (siren)", "Siren", "Emergency vehicle")),
    Kind("fire-engine", alarms.fire_engine, 4, ("Fire engine, fire truck (siren)", "Siren", "Emergency vehicle")),
    Kind("civil-defense-siren", alarms.civil_defense_siren, 2, ("Civil defense siren", "Siren")),
    Kind(
        "smoke-detector", alarms.smoke_alarm, 4, ("Smoke detector, smoke alarm", "Alarm"), ("Beep, bleep", "Fire alarm")
    ),
    Kind("beep", alarms.beep, 3, ("Beep, bleep",), clean=True),
    Kind("reversing-beeps", alarms.reversing_beeps, 2, ("Reversing beeps",), ("Truck", "Beep, bleep")),
    Kind("dial-tone", alarms.dial_tone, 3, ("Dial tone", "Telephone"), clean=True),
    Kind("busy-signal", alarms.busy_signal, 2, ("Busy signal", "Telephone"), clean=True),
    Kind("dtmf", alarms.dtmf, 3, ("Telephone dialing, DTMF", "Telephone"), clean=True),
    Kind("telephone", alarms.telephone_bell, 4, ("Telephone bell ringing", "Telephone")),
    Kind("ringtone", alarms.ringtone, 3, ("Ringtone", "Telephone")),
    Kind("car-horn", alarms.car_horn, 4, ("Vehicle horn, car horn, honking", "Vehicle"), ("Car",)),
    Kind("train-horn", alarms.train_horn, 4, ("Train horn", "Train", "Rail transport")),
    Kind("steam-whistle", alarms.steam_whistle, 2, ("Steam whistle",), ("Train whistle",)),
    Kind("sonar", alarms.sonar, 2, ("Sonar",), ("Ping",)),
    # Engines and motors
    Kind("idling", engines.idling, 6, ("Idling", "Engine"), ("Vehicle", "Car")),
    Kind("motorcycle", engines.motorcycle, 5, ("Motorcycle", "Vehicle"), ("Engine",)),
    Kind("chainsaw", engines.chainsaw, 3, ("Chainsaw",), ("Light engine (high frequency)", "Tools")),
    Kind("propeller", engines.propeller, 4, ("Propeller, airscrew", "Aircraft"), ("Fixed-wing aircraft, airplane",)),
    Kind("helicopter", engines.helicopter, 4, ("Helicopter", "Aircraft"), ("Vehicle",)),
    Kind("train", engines.train, 5, ("Train", "Rail transport"), ("Clickety-clack", "Railroad car, train wagon")),
    Kind("drill", engines.power_tool, 3, ("Drill", "Power tool"), ("Tools",)),
    Kind("vacuum-cleaner", engines.vacuum_cleaner, 3, ("Vacuum cleaner",)),
    Kind("steam", engines.steam, 3, ("Steam",), ("Hiss",)),
    # Weather, water, fire
    Kind("rain", weather.rain, 7, ("Rain",), ("Rain on surface", "Water")),
    Kind("raindrop", weather.raindrop, 3, ("Raindrop",), ("Drip", "Water")),
    Kind("thunder", weather.thunder, 5, ("Thunder", "Thunderstorm")),
    Kind("wind", weather.wind, 6, ("Wind",), ("Wind noise (microphone)",)),
    Kind("ocean", weather.ocean, 5, ("Waves, surf", "Ocean"), ("Water",)),
    Kind("stream", weather.stream, 5, ("Stream",), ("Water", "Gurgling")),
    Kind("waterfall", weather.waterfall, 3, ("Waterfall",), ("Water",)),
    Kind("fire", weather.fire, 5, ("Fire", "Crackle")),
    Kind("leaves", weather.rustling_leaves, 3, ("Rustling leaves",), ("Rustle",)),
    # Animals and people
    Kind("bird", animals.bird_chirp, 8, ("Chirp, tweet", "Bird"), ("Bird vocalization, bird call, bird song",)),
    Kind("cricket", animals.cricket, 4, ("Cricket", "Insect")),
    Kind("owl", animals.owl_hoot, 3, ("Hoot", "Owl"), ("Bird",)),
    Kind("cuckoo", animals.cuckoo, 2, ("Bird vocalization, bird call, bird song", "Bird")),
    Kind("crow", animals.crow, 3, ("Caw", "Crow"), ("Bird",)),
    Kind("rooster", animals.rooster, 2, ("Crowing, cock-a-doodle-doo", "Chicken, rooster"), ("Fowl",)),
    Kind("duck", animals.duck, 3, ("Quack", "Duck"), ("Fowl",)),
    Kind("frog", animals.frog, 4, ("Frog",), ("Croak",)),
    Kind("bee", animals.bee, 3, ("Bee, wasp, etc.", "Insect"), ("Buzz", "Fly, housefly")),
    Kind("mosquito", animals.mosquito, 2, ("Mosquito", "Insect"), ("Buzz",)),
    Kind("dog", animals.dog_bark, 7, ("Bark", "Dog"), ("Domestic animals, pets", "Bow-wow")),
    Kind("cat", animals.cat_meow, 5, ("Meow", "Cat"), ("Domestic animals, pets",)),
    Kind("sheep", animals.sheep_bleat, 3, ("Bleat", "Sheep"), ("Goat", "Livestock, farm animals, working animals")),
    Kind("baby-cry", animals.baby_cry, 3, ("Baby cry, infant cry",), ("Crying, sobbing",)),
    Kind("snoring", animals.snoring, 2, ("Snoring",), ("Breathing",)),
    Kind("heartbeat", animals.heartbeat, 3, ("Heart sounds, heartbeat",)),
    # Everyday
    Kind("clock", everyday.clock_tick, 5, ("Tick-tock", "Clock"), ("Tick",)),
    Kind("footsteps", everyday.footsteps, 5, ("Walk, footsteps",)),
    Kind("knock", everyday.knock, 4, ("Knock",), ("Door",)),
    Kind("typing", everyday.typing, 5, ("Typing",), ("Computer keyboard", "Typewriter")),
    Kind("printer", everyday.printer, 2, ("Printer",)),
    Kind("keys", everyday.keys_jangling, 3, ("Keys jangling",), ("Jingle, tinkle",)),
    Kind("shatter", everyday.glass_shatter, 3, ("Shatter", "Glass"), ("Breaking",)),
    Kind("explosion", everyday.explosion, 4, ("Explosion",), ("Boom", "Fireworks")),
    Kind("gunshot", everyday.gunshot, 4, ("Gunshot, gunfire",), ("Machine gun",)),
    # Signals
    Kind("sine-wave", electronic.sine_wave, 4, ("Sine wave",), clean=True),
    Kind("chirp-tone", electronic.chirp_tone, 3, ("Chirp tone",), ("Sine wave",), clean=True),
    Kind("white-noise", electronic.white_noise, 3, ("White noise", "Noise"), clean=True),
    Kind("pink-noise", electronic.pink_noise, 3, ("Pink noise", "Noise"), clean=True),
    Kind("static", electronic.static, 4, ("Static",), ("Radio", "Noise"), clean=True),
    Kind("mains-hum", electronic.mains_hum, 4, ("Mains hum", "Hum"), clean=True),
    Kind("video-game", electronic.video_game, 4, ("Video game music",), ("Music", "Sound effect"), clean=True),
)

KINDS = {kind.name: kind for kind in _TABLE}
