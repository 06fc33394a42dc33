mod trail;
