using ZeroOS.Trees;

namespace ZeroOS.Guest.Sessions;

/// <summary>Tells the client of a copy what the copy has to say, keeps the session alive meanwhile, and ends the copy with it.</summary>
internal sealed class CopyWatcher(SessionLink link) : ITreeWatcher
{
    /// <inheritdoc/>
    public void Note(string sentence) => link.SendNote(sentence);

    /// <inheritdoc/>
    public void Moved(int bytes)
    {
        if (link.Over is not null)
            throw new CopyOverException();
        link.KeepAlive();
    }
}
