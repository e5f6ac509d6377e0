import asyncio, contextlib, io, json, os, random, signal, sys, time, traceback, collections
from pathlib import Path
sys.path.insert(0, '.')
os.environ.update(HOME='/tmp/atkhome', XDG_CONFIG_HOME='/tmp/atkhome/c', XDG_DATA_HOME='/tmp/atkhome/d', NATS_TIMEOUT='400ms', TZ='UTC')
from tests.support.process import ServerProcess
import importlib, pkgutil, pynats_cli
for m in pkgutil.walk_packages(pynats_cli.__path__, 'pynats_cli.'):
    if not m.name.endswith('__main__'): importlib.import_module(m.name)
from pynats_cli import app
from pynats_cli.connect import connection
from pynats_cli.errors import CliError
from pynats_cli.system import requests as sysreq
sysreq.QUIET_S = 0.02
CONF='''
accounts { APP { users [{user: app, password: app}], jetstream: enabled }\n SYS { users [{user: sys, password: sys}] } }
system_account: SYS
no_auth_user: app
'''
SYS=['--user','sys','--password','sys']
READ = [l.split() for l in '''
stream ls|stream ls --names|stream info S|stream info S --json|stream info S --state|stream subjects S|stream report|stream state S|stream find --replicas 1
stream get S 1|stream get S -S s.a|stream view S|stream gaps S -f|stream gaps S -f --json|stream cluster balance|stream query S|stream edit S --description x --dry-run
consumer ls S|consumer ls S --names|consumer info S C|consumer state S C|consumer report S|consumer next S C|consumer find S|consumer edit S C --description y --dry-run
kv ls|kv ls B|kv ls B -v|kv get B k|kv history B k|kv status B|kv info B|kv watch B --snapshot|object ls|object ls O|object info O|object info O obj|object get O obj --output -|object watch O --snapshot
account info|account report connections|account report statistics|account tls|rtt|server check connection|server check jetstream|server check stream --stream S|server check consumer --stream S --consumer C|server check kv --bucket B|server check message --stream S|server check request --subject svc.x|server check credential --credential /dev/null|server check server --name n|server check meta
service ls|service info demo|service stats demo|service ping demo|trace s.a|counter get c.x|counter list|errors ls
apply --export|schema info io.nats.jetstream.api.v1.stream_info_response|req svc.x hi|sub s.> --stream S --count 1|latency --server-b 127.0.0.1'''.replace('\n','|').split('|') if l.strip()]
READSYS = [l.split()+SYS for l in '''
server ls|server ls --json|server info|server info --json|server ping|server report accounts|server report connections|server report jetstream|server report gateways|server report leafnodes|server report routes|server report health|server report downgrade 1|server account info APP --json|audit analyze /tmp/atkout/a.zip|server account info APP|server stream-check|server consumer-check|server check meta|server check server --name S1|server check jetstream|server request variables|server request connections|server request jetstream|server request profile heap /tmp/atkout|server request accounts|server request subscriptions|server cluster balance|server cluster step-down|server request healthz|audit gather -o /tmp/atkout/a.zip|server request leafnodes|audit upgrade --to 2.14.0'''.replace('\n','|').split('|') if l.strip()]
WEIRD=[None, True, -1, 0, 10**30, -10**20, 1.5, float('nan'), float('inf'), '', 'x', '\x1b[2J', '\ud800', '../../etc', [], {}, [None], {'a':None}, [[]], 'NaN', '9'*50, '0001-01-01T00:00:00Z','9999-12-31T23:59:59Z', '2026-13-45T99:99:99Z', [1]*3]
def paths(v,p=()):
    yield p
    if isinstance(v,dict):
        for k in v: yield from paths(v[k],p+(k,))
    elif isinstance(v,list):
        for i in range(min(len(v),3)): yield from paths(v[i],p+(i,))
def mutate(doc, rng):
    ps=list(paths(doc)); p=rng.choice(ps)
    if not p: return rng.choice([rng.choice(WEIRD), doc])
    o=doc
    for k in p[:-1]: o=o[k]
    a=rng.random()
    if a<0.35:
        if isinstance(o,dict): o.pop(p[-1])
        else: o.pop(p[-1])
    else: o[p[-1]]=rng.choice(WEIRD)
    return doc
class State: rng=None; n=0; at=0
orig=connection._Client._process_msg
async def hostile(self, sid, subject, reply, data, headers):
    if State.rng is not None:
        State.n+=1
        r=State.rng.random()
        try: doc=json.loads(data)
        except Exception: doc=None
        if isinstance(doc,(dict,list)):
            if r<0.75: data=json.dumps(mutate(doc,State.rng)).encode()
            elif r<0.80: data=b'['*20000
            elif r<0.85: data=data[:len(data)//2]
            elif r<0.87: data=b''
            elif r<0.89: data=b'\xff\xfe'
        elif r<0.2: data=State.rng.choice([b'\xff',b'',b'null',b'[]'])
    await orig(self,sid,subject,reply,data,headers)
connection._Client._process_msg=hostile
class Hang(BaseException): pass
def on_alarm(*_): raise Hang()
signal.signal(signal.SIGALRM,on_alarm)
def one(args, limit=8):
    out,err=io.TextIOWrapper(io.BytesIO(),'utf-8',errors='backslashreplace',write_through=True),io.StringIO()
    code=None; exc=None; t=time.time()
    saved=sys.stdout,sys.stderr,sys.stdin
    sys.stdout,sys.stderr,sys.stdin=out,err,io.TextIOWrapper(io.BytesIO(b''))
    signal.setitimer(signal.ITIMER_REAL,limit)
    try: code=app.run(args)
    except CliError as e: code=e.exit_code; exc=e
    except BaseException as e: exc=e
    finally:
        signal.setitimer(signal.ITIMER_REAL,0); sys.stdout,sys.stderr,sys.stdin=saved
    return code,exc,out.buffer.getvalue(),err.getvalue(),time.time()-t
def main():
    folder=Path('/tmp/atkserver'); import shutil; shutil.rmtree(folder,ignore_errors=True); folder.mkdir(); Path('/tmp/atkout').mkdir(exist_ok=True)
    with ServerProcess('pynats',folder,CONF+f'jetstream {{ store_dir: "{folder}/store" }}') as sp:
        os.environ['NATS_URL']=f'nats://127.0.0.1:{sp.port}'
        Path('/tmp/atkout/f').write_bytes(b'z'*3000)
        for l in ['stream add S --subjects s.> --defaults','pub s.a hello','pub s.b world -H A:B','consumer add S C --pull --defaults','kv add B --history 5','kv put B k v','kv put B k2 v','kv del B k2 -f','object add O','object put O /tmp/atkout/f --name obj','stream add CS --subjects c.> --allow-counter --defaults','counter increment c.x 1','pub s.c 1','stream rmm S 2 -f']:
            r=one(l.split()); 
            if r[0] not in (0,None): print(l,r[0],r[1],r[3][-200:])
        import subprocess
        svc=[subprocess.Popen(['.venv/bin/pynats',*a.split()],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL) for a in ['service serve demo','reply svc.x ok']]
        time.sleep(2)
        pick=sys.argv[3:] 
        kinds=collections.defaultdict(list)
        try:
          for args in READ+READSYS:
            if pick and not any(p in ' '.join(args) for p in pick): continue
            State.rng=None
            base=one(args)
            if base[0] not in (0,None) or base[4]>3 or base[1] is not None: print('BASE',args,base[0],repr(base[1])[:150],f'{base[4]:.1f}',base[3][-100:])
            if base[4]>3: continue
            for seed in range(int(sys.argv[1]),int(sys.argv[2])):
                State.rng=random.Random(seed)
                r=one(args)
                e=r[1]
                if isinstance(e,Hang): print('HANG',args,seed)
                elif e is not None and not isinstance(e,CliError): print('EXC',args,seed,repr(e)[:200])
                elif e is not None and 'unexpected' in str(e): kinds[' '.join(args[:3])].append((seed,str(e)[:110]))
                if 'Traceback' in r[3] or 'never retrieved' in r[3]: print('TRACE',args,seed,r[3][-400:])
                if r[4]>3: print('SLOW',args,seed,f'{r[4]:.1f}',repr(e)[:100])
                if b'\x1b[2J' in r[2] or '\x1b[2J' in r[3]: print('ESC',args,seed)
                if r[0]==0 and args[-1]=='--json': 
                    try: json.loads(r[2])
                    except ValueError: print('JSON',args,seed,r[2][:100])
        finally:
            for s in svc: s.kill()
        for k,v in kinds.items(): print(k,len(v),collections.Counter(x[1][19:][:60] for x in v).most_common(2))
main()
