namespace ZeroOS.Trees;

/// <summary>Who watches a copy. What is thrown here ends it.</summary>
public interface ITreeWatcher
{
    /// <summary>A sentence about something that was left out, or is not as it was announced.</summary>
    void Note(string sentence);

    /// <summary>An entry was come to, or so many bytes of one were moved: called often, at least for each 64 KiB.</summary>
    void Moved(int bytes);
}
